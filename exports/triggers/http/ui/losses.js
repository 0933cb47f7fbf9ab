/* What of the clients is not in a file, as its manifest counts it. */

import { t } from "./texts.js";

/** Return what a file lacks, each as its name in the manifest and a sentence. */
export function lossesOf(manifest) {
  const counts = { cutCells: manifest.cutCells, removedCharacters: manifest.removedCharacters };
  return Object.entries(counts).filter(([, count]) => count).map(([name, count]) => [name, t(`losses.${name}`, { count })]);
}
