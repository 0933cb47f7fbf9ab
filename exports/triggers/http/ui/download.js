/*
 * Downloads the file of a job. A link to storage works for some minutes only, so each download asks for a new one. The page
 * never shows it: who had copied it would later read an error of storage, in XML. `addressOfJob` is what people may copy.
 */

import { make } from "./dom.js";
import { pathOf } from "./watch.js";

/** Browsers read the content of a saved file a moment after the click. */
const SAVING_MS = 60_000;

/** Request the job again and, if the answer has a link, open the link. Return the job as it is now. */
export async function downloadFile(api, code) {
  const { data } = await api.send("GET", pathOf(code));
  if (data.downloadUrl) make("a", { href: data.downloadUrl, rel: "noreferrer" }).click();
  return data;
}

/** Save the proof of a file under the name of the file. */
export async function saveProof(api, job) {
  const { data } = await api.send("GET", pathOf(job.code, "/manifest"));
  const url = URL.createObjectURL(new Blob([JSON.stringify(data)], { type: "application/json" }));
  make("a", { href: url, download: `${job.fileName}.manifest.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), SAVING_MS);
}
