/* The view in which a downloaded file is checked against its manifest. */

/** Set up the view. */
export function setUpVerify() {}

/** Show the view. Without an API, forget what was shown. */
export async function showVerify() {}
