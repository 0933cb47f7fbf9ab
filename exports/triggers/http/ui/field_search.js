/* Finds fields by words: by those of their labels, and by words that mean the same, such as “zip” for “postcode”. */

import { all } from "./dom.js";
import { t, textsOf } from "./texts.js";

/** Shorter words must begin a word of the field: “ni” finds “NI number”, but not “incorporation”. */
const MIN_LETTERS_WITHIN = 3;

/** Return the words of a text as they are compared. A compound, such as “e-mail”, is its parts and the whole. */
export function searchWords(text) {
  return chunksOf(text).flatMap((parts) => (parts.length > 1 ? [...parts, parts.join("")] : parts));
}

/** Split a text at its blanks, and each chunk into its parts: without accents, in lower case. */
function chunksOf(text) {
  const plain = text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ß", "ss");
  return plain.split(/\s+/).map((chunk) => chunk.split(/[^\p{L}\p{N}]+/u).filter(Boolean)).filter((parts) => parts.length);
}

/** Sets of terms that mean the same. Each term is a list of words. */
const SYNONYMS = textsOf("synonyms").map((terms) => terms.split(",").map(searchWords));

const WORDS_BY_FIELD = new Map(all("[data-field]").map(({ dataset: { field } }) => [field, wordsOfField(field)]));

function wordsOfField(field) {
  const words = searchWords(t(`fields.${field}`));
  const text = ` ${words.join(" ")} `;
  const same = SYNONYMS.filter((terms) => terms.some((term) => text.includes(` ${term.join(" ")} `)));
  return [...new Set([field.toLowerCase(), ...words, ...same.flat(2)])];
}

/** Return the set of fields that have every word of `query`. An empty query finds every field. */
export function fieldsWith(query) {
  const chunks = chunksOf(query);
  const fits = (words) => chunks.every((parts) => hasWord(words, parts.join("")) || parts.every((part) => hasWord(words, part)));
  return new Set([...WORDS_BY_FIELD].filter(([, words]) => fits(words)).map(([field]) => field));
}

function hasWord(words, wanted) {
  return words.some((word) => (wanted.length < MIN_LETTERS_WITHIN ? word.startsWith(wanted) : word.includes(wanted)));
}
