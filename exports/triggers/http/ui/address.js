/* Writes a request as the query of an address, and reads it back, so that the form can be bookmarked and sent. */

/*
 * The words of an address are a published format: people keep addresses for years. Names and meanings never change;
 * tests/browser/addresses.json holds addresses of every kind. Default values are left out, so most addresses are short.
 */
const OF_REQUEST = { mapping: "mappingCode", columns: "columnMappings", headers: "includeHeaders", consistency: "consistency" };
const LISTS = ["statuses", "types", "managerCodes", "partnerCodes", "associateCodes", "teamCodes", "serviceCodes"];
const OF_FILTER = [...LISTS, "search", "updatedSince", "updatedUntil"];
const OF_CSV = ["compression", "delimiter", "lineEnding", "quoting", "byteOrderMark", "formulaGuard"];
const OF_FORMAT = ["preset", "fileName", ...OF_CSV, "longCells"];
const BOOLEANS = ["headers", "byteOrderMark", "formulaGuard"];
/** The values that an address leaves out, by their JSON pointers. They never change, because old addresses rely on them. */
export const DEFAULTS = {
  "/includeHeaders": true,
  "/consistency": "pages",
  "/format/preset": "rfc4180",
  "/format/compression": "none",
  "/format/formulaGuard": true,
  "/format/longCells": "cut",
};

/** Return the request without defaults, null and empty lists. An empty list of columns stays: it is not the default. */
export function withoutDefaults(request, path = "") {
  const kept = Object.entries(request).flatMap(([name, value]) => {
    const pointer = `${path}/${name}`;
    const inner = isObject(value) ? withoutDefaults(value, pointer) : value;
    return isDefault(pointer, inner) ? [] : [[name, inner]];
  });
  return Object.fromEntries(kept);
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isDefault(pointer, value) {
  if (value === null || value === undefined || value === DEFAULTS[pointer]) return true;
  if (Array.isArray(value)) return !value.length && pointer !== "/columnMappings";
  return isObject(value) && !Object.keys(value).length;
}

/** Return the request as a query without `?`; empty for the default form. Receivers of a notification are left out. */
export function queryOf(request) {
  const { filter = {}, format = {}, ...rest } = withoutDefaults(request);
  const own = Object.entries(OF_REQUEST).map(([name, property]) => [name, rest[property]]);
  const parts = [...own, ...OF_FILTER.map((name) => [name, filter[name]]), ...OF_FORMAT.map((name) => [name, format[name]])];
  return parts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeValue(name, value)}`)
    .join("&");
}

function encodeValue(name, value) {
  if (name === "columns") return value.map(encodeColumn).join(",");
  if (Array.isArray(value)) return value.map(encodeText).join(",");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return encodeText(value);
}

/** A column is its field, with its heading after a colon unless both are the same. */
function encodeColumn({ csvHeader, targetField }) {
  return csvHeader === targetField ? targetField : `${targetField}:${encodeText(csvHeader)}`;
}

/** `encodeURIComponent` also encodes the commas, colons and plus signs of a text, so they separate only. */
function encodeText(text) {
  return encodeURIComponent(text).replaceAll("%20", "+");
}

const decodeText = (text) => decodeURIComponent(text.replaceAll("+", " "));

/** Read a query that `queryOf` wrote. Returns null if it is not one; `applyRequest` checks the values. */
export function requestInQuery(query) {
  const request = { filter: {}, format: {} };
  try {
    for (const part of query.split("&").filter(Boolean)) {
      const [, name, value] = part.match(/^(\w+)=(.*)$/s);
      const [owner, property] = ownerOf(request, name);
      if (property in owner) return null;
      owner[property] = decodeValue(name, value);
    }
    return request;
  } catch {
    return null; // no name and value, an unknown name, or a wrong percent-encoding
  }
}

function ownerOf(request, name) {
  if (Object.hasOwn(OF_REQUEST, name)) return [request, OF_REQUEST[name]];
  if (OF_FILTER.includes(name)) return [request.filter, name];
  if (OF_FORMAT.includes(name)) return [request.format, name];
  throw new RangeError(name);
}

function decodeValue(name, value) {
  if (name === "columns") return value.split(",").filter(Boolean).map(decodeColumn);
  if (LISTS.includes(name)) return value.split(",").filter(Boolean).map(decodeText);
  if (BOOLEANS.includes(name)) return decodeBoolean(value);
  return decodeText(value);
}

function decodeColumn(text) {
  const [field, heading = field] = text.split(":");
  return { csvHeader: decodeText(heading), targetField: decodeText(field) };
}

function decodeBoolean(value) {
  if (!["yes", "no"].includes(value)) throw new RangeError(value);
  return value === "yes";
}
