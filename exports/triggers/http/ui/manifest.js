/* Reads a manifest, and refuses one that contradicts itself: it proves nothing. The command `verify` refuses the same ones. */

import { combinedCrc32, crc32Text } from "./crc32.js";

/** What is not a manifest, or contradicts itself. */
export class BadManifest extends Error {}

const SHA256 = /^[0-9a-f]{64}$/;
const CRC32 = /^[0-9a-f]{8}$/;

/** Return the pages of a manifest, and the frames between them, in the order of the file. Throws `BadManifest`. */
export function blocksOf(manifest) {
  const pages = manifest?.pages;
  const frames = manifest?.frames ?? [];
  if (!Array.isArray(pages) || !Array.isArray(frames) || !pages.every(isPage) || !frames.every(isFrame)) throw new BadManifest();
  const blocks = [
    ...pages.map((page) => ({ ...page, isFrame: false })),
    ...frames.map((frame) => ({ ...frame, page: frame.beforePage, isFrame: true })),
  ].sort((one, other) => one.page - other.page || other.isFrame - one.isFrame);
  const isSound = hasItsTotals(manifest, blocks) && tiles(pages) && areBetween(frames, pages) && hasItsOrder(manifest) && hasItsCrc32(manifest, blocks);
  if (!isSound) throw new BadManifest();
  return blocks;
}

/** Whether every page is known to hold clients of its own key range. A single range holds all clients. */
export const isOrderChecked = ({ pages, keyOrder }) => pages.length === 1 || keyOrder === "RankedBySource";

const isNone = (value) => (value ?? null) === null;
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

function isPage(page) {
  return isCount(page?.page) && isCount(page.rows) && isCount(page.bytes) && SHA256.test(page.sha256) && (isNone(page.crc32) || CRC32.test(page.crc32));
}

function isFrame(frame) {
  return isCount(frame?.beforePage) && isCount(frame.bytes) && SHA256.test(frame.sha256) && CRC32.test(frame.crc32);
}

function hasItsTotals({ rows, bytes, pages }, blocks) {
  const sum = (parts, name) => parts.reduce((total, part) => total + part[name], 0);
  return sum(pages, "rows") === rows && sum(blocks, "bytes") === bytes;
}

/** Whether the key ranges of the pages follow each other without a gap, from an open start to an open end. */
function tiles(pages) {
  const joins = pages.every(({ page, start, stop }, index) => {
    const isLast = index === pages.length - 1;
    return page === index && (isLast ? stop === null : stop === pages[index + 1].start) && (index > 0 || start === null);
  });
  return joins && pages.length > 0 && new Set(pages.map(({ start }) => start)).size === pages.length;
}

/** Whether each frame stands before or after a page, in the order of the pages. */
function areBetween(frames, pages) {
  return frames.every(({ beforePage }, index) => beforePage <= pages.length && (index === 0 || frames[index - 1].beforePage <= beforePage));
}

/** Whether what the manifest says of the check of its order can be so, and other clients than planned were counted again. */
function hasItsOrder({ pages, keyOrder, rows, countedRows, recountedRows }) {
  if (!isNone(countedRows) && countedRows !== rows && isNone(recountedRows)) return false;
  if (keyOrder === "OnePage") return pages.length === 1;
  if (keyOrder !== "RankedBySource") return true;
  return pages.every((page) => page.rows === 0 || !(isNone(page.firstCode) || isNone(page.lastCode)));
}

/** Whether the CRC-32s of all blocks make that of the whole. Older versions did not record them all. */
function hasItsCrc32({ crc32 }, blocks) {
  return blocks.some((block) => isNone(block.crc32)) || crc32Text(combinedCrc32(blocks)) === crc32;
}
