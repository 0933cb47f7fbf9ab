/* The view of schedules. */

/** Set up the view. */
export function setUpSchedules() {}

/** Show the schedules. Without an API, forget what was shown. */
export async function showSchedules() {}
