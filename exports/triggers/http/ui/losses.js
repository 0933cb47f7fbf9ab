/* What of the clients is not in a file, as its manifest counts it. */

import { byId, make } from "./dom.js";
import { t } from "./texts.js";
import { hasFile, pathOf } from "./watch.js";

/** The job whose file is told about, or is being asked about. */
let toldCode = "";

/** Return what a file lacks, each as its name in the manifest and a sentence. */
export function lossesOf(manifest) {
  const counts = { cutCells: manifest.cutCells, removedCharacters: manifest.removedCharacters };
  return Object.entries(counts).filter(([, count]) => count).map(([name, count]) => [name, t(`losses.${name}`, { count })]);
}

/** Return paragraphs that tell what a file lacks. */
export const drawLosses = (manifest) => lossesOf(manifest).map(([name, text]) => make("p", { dataset: { loss: name } }, text));

/** Tell below a job what its file lacks. Asks once for each file. A fault only hides it: the history tells it too. */
export async function tellLosses(api, job) {
  const code = hasFile(job) ? job.code : "";
  if (code === toldCode) return;
  toldCode = code;
  byId("job-losses").replaceChildren();
  if (!code) return;
  try {
    const { data } = await api.send("GET", pathOf(code, "/manifest"));
    if (code === toldCode) byId("job-losses").replaceChildren(...drawLosses(data));
  } catch {
    if (code === toldCode) toldCode = "";
  }
}
