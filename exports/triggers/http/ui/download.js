/*
 * Downloads the file of a job. A link to storage works for some minutes only, so each download asks for a new one. The page
 * never shows it: who had copied it would later read an error of storage, in XML. `addressOfJob` is what people may copy.
 */

import { make } from "./dom.js";
import { pathOf } from "./watch.js";

/** Request the job again and, if the answer has a link, open the link. Return the job as it is now. */
export async function downloadFile(api, code) {
  const { data } = await api.send("GET", pathOf(code));
  if (data.downloadUrl) make("a", { href: data.downloadUrl, rel: "noreferrer" }).click();
  return data;
}
