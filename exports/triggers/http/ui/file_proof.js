/* Compares a file with its manifest, block by block, in the browser: the file is never sent anywhere. */

import { crc32Of, crc32Text } from "./crc32.js";
import { BadManifest, blocksOf, isOrderChecked } from "./manifest.js";

/**
 * Compare a file with a manifest. Reads one page at a time. `onProgress` receives the bytes read so far.
 *
 * Resolves to `{verdict, rows, bytes, pages}` of the manifest. The verdict is `proved`; `unproved`, if every byte is as
 * written, but the manifest does not say that the order of its pages was checked; `short`, if the file ends in a page
 * whose bytes cannot be compared then, and the pages before it are right; `long`, if something follows all pages, which
 * are right; or `changed`, with `page`, `start` and `stop` of the first wrong bytes.
 * Throws `BadManifest`, or the reason of `signal` if it is aborted.
 */
export async function proveFile(file, manifest, onProgress, signal) {
  const blocks = blocksOf(manifest);
  const totals = { rows: manifest.rows, bytes: manifest.bytes, pages: manifest.pages.length };
  let start = 0;
  let crc32 = 0;
  for (const { page, bytes, sha256 } of blocks) {
    signal.throwIfAborted();
    const stop = start + bytes;
    if (file.size < stop) return { ...totals, verdict: "short" };
    const content = await file.slice(start, stop).arrayBuffer();
    if ((await sha256Of(content)) !== sha256) return { ...totals, verdict: "changed", page, start, stop };
    crc32 = crc32Of(new Uint8Array(content), crc32);
    start = stop;
    onProgress(start);
  }
  if (file.size > start) return { ...totals, verdict: "long" };
  if ((manifest.crc32 ?? crc32Text(crc32)) !== crc32Text(crc32)) throw new BadManifest();
  return { ...totals, verdict: isOrderChecked(manifest) ? "proved" : "unproved" };
}

async function sha256Of(content) {
  const digest = await crypto.subtle.digest("SHA-256", content);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
