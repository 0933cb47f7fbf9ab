/* Compares a file with its manifest, block by block, in the browser: the file is never sent anywhere. */

/** What is not a manifest, or contradicts itself. */
export class BadManifest extends Error {}

/**
 * Compare a file with a manifest. Reads one page at a time. `onProgress` receives the bytes read so far.
 *
 * Resolves to `{verdict, rows, bytes, pages}` of the manifest. The verdict is `proved`; `unproved`, if every byte is as
 * written, but the manifest does not say that the order of its pages was checked; `short` or `long`, if the size is
 * wrong and all bytes that are there are right; or `changed`, with `page`, `start` and `stop` of the first wrong bytes.
 * Throws `BadManifest`, or the reason of `signal` if it is aborted.
 */
export async function proveFile(file, manifest, onProgress, signal) {
  const blocks = blocksOf(manifest);
  const totals = { rows: manifest.rows, bytes: manifest.bytes, pages: manifest.pages.length };
  let start = 0;
  for (const { page, bytes, sha256 } of blocks) {
    signal.throwIfAborted();
    const stop = start + bytes;
    if (file.size < stop) return { ...totals, verdict: "short" };
    if ((await sha256Of(file.slice(start, stop))) !== sha256) return { ...totals, verdict: "changed", page, start, stop };
    start = stop;
    onProgress(start);
  }
  if (file.size > start) return { ...totals, verdict: "long" };
  const isChecked = totals.pages === 1 || Boolean(manifest.keyOrder);
  return { ...totals, verdict: isChecked ? "proved" : "unproved" };
}

async function sha256Of(slice) {
  const digest = await crypto.subtle.digest("SHA-256", await slice.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return the pages of a manifest, and the frames between them, in the order of the file. */
function blocksOf(manifest) {
  const frames = manifest?.frames ?? [];
  if (!Array.isArray(manifest?.pages) || !Array.isArray(frames) || manifest.pages.length === 0) throw new BadManifest();
  const blocks = [
    ...manifest.pages.map((page) => ({ ...page, isFrame: false })),
    ...frames.map((frame) => ({ ...frame, page: frame?.beforePage, isFrame: true })),
  ].sort((one, other) => one.page - other.page || other.isFrame - one.isFrame);
  if (!blocks.every(isBlock) || !hasItsTotals(manifest, blocks) || !tiles(manifest.pages)) throw new BadManifest();
  return blocks;
}

function isBlock({ page, bytes, sha256 }) {
  return Number.isSafeInteger(page) && Number.isSafeInteger(bytes) && bytes >= 0 && /^[0-9a-f]{64}$/.test(sha256);
}

function hasItsTotals({ rows, bytes, pages }, blocks) {
  const sum = (parts, name) => parts.reduce((total, part) => total + part[name], 0);
  return sum(pages, "rows") === rows && sum(blocks, "bytes") === bytes;
}

/** Whether the key ranges of the pages follow each other without a gap, from an open start to an open end. */
function tiles(pages) {
  return pages.every(({ page, start, stop }, index) => {
    const isLast = index === pages.length - 1;
    const joins = isLast ? stop === null : stop !== null && stop === pages[index + 1].start;
    return page === index && joins && (index > 0 || start === null);
  });
}
