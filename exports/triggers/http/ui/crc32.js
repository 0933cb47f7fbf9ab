/* The CRC-32 of zip and gzip (ISO 3309): of bytes, and of a whole from those of its pieces, without reading them again. */

const CRC32_POLYNOMIAL = 0xedb88320;
const CRC32_TABLES = tablesOfCrc32();

/** Make a table for each of the four bytes that `crc32Of` takes at a time. */
function tablesOfCrc32() {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? CRC32_POLYNOMIAL : 0);
    return remainder;
  });
  const next = (table) => table.map((remainder) => (remainder >>> 8) ^ first[remainder & 0xff]);
  const second = next(first);
  const third = next(second);
  return [first, second, third, next(third)];
}

/** Return the CRC-32 of some bytes. `before` is that of the bytes before them. */
export function crc32Of(bytes, before = 0) {
  const [first, second, third, fourth] = CRC32_TABLES;
  const inFours = bytes.length - (bytes.length % 4);
  let crc32 = ~before;
  for (let at = 0; at < inFours; at += 4) {
    crc32 ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc32 = fourth[crc32 & 0xff] ^ third[(crc32 >>> 8) & 0xff] ^ second[(crc32 >>> 16) & 0xff] ^ first[crc32 >>> 24];
  }
  for (let at = inFours; at < bytes.length; at += 1) crc32 = (crc32 >>> 8) ^ first[(crc32 ^ bytes[at]) & 0xff];
  return ~crc32 >>> 0;
}

/**
 * Return the CRC-32 of a whole. Each piece has its `crc32`, as a text of hex digits, and its `bytes`. As polynomials over
 * GF(2), whose bits are reflected, a piece followed by n bits is the piece times x to the power of n.
 */
export function combinedCrc32(pieces) {
  return pieces.reduce((whole, { crc32, bytes }) => (timesCrc32(powerOfX(8 * bytes), whole) ^ parseInt(crc32, 16)) >>> 0, 0);
}

/** Return a CRC-32 as common tools print it: eight hex digits. */
export const crc32Text = (crc32) => crc32.toString(16).padStart(8, "0");

function timesCrc32(one, other) {
  let product = 0;
  for (let left = one, right = other; left; left <<= 1) {
    if (left < 0) product ^= right;
    right = (right >>> 1) ^ (right & 1 ? CRC32_POLYNOMIAL : 0);
  }
  return product;
}

function powerOfX(exponent) {
  let power = 1 << 31;
  for (let left = exponent, square = 1 << 30; left; left = Math.floor(left / 2)) {
    if (left % 2) power = timesCrc32(square, power);
    square = timesCrc32(square, square);
  }
  return power;
}
