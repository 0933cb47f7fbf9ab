/* The texts of the ui in its language. The server has put them into the page, from texts/<language>.json. */

const TEXTS = JSON.parse(document.getElementById("texts").textContent);

export const LANGUAGE = document.documentElement.lang;

/** The first of the browser's languages that is a form of the page's language, such as en-GB: it decides on formats. */
export const LOCALE = navigator.languages.find((each) => each.split("-")[0] === LANGUAGE) ?? LANGUAGE;

/**
 * Characters of a name that nobody can see: with them two names look alike, and some turn round the rest of a sentence. Not
 * those that emoji need, nor those after a letter of a script in which they have a meaning.
 */
const UNSEEN =
  /[\u202a-\u202e\u2066-\u2069]|(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f\u{e0020}-\u{e007f}]|(?![\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])[\p{L}\p{M}])\p{Default_Ignorable_Code_Point}/gu;

const pluralRules = new Intl.PluralRules(LANGUAGE);
const numbers = new Intl.NumberFormat(LOCALE);

function lookUp(name) {
  const dot = name.indexOf(".");
  return TEXTS[name.slice(0, dot)]?.[name.slice(dot + 1)];
}

/** Return all texts of a section. */
export const textsOf = (section) => Object.values(TEXTS[section]);

export const hasText = (name) => lookUp(name) !== undefined;

/**
 * Return the text `section.name`, with each `{value}` replaced. Numbers are written as the reader writes them. A text
 * with plural forms is chosen by `values.count`. A name that has no text is returned as it is.
 */
export function t(name, values = {}) {
  const found = lookUp(name) ?? name;
  const text = typeof found === "string" ? found : found[pluralRules.select(values.count)] ?? found.other;
  return text.replace(/\{(\w+)\}/g, (_, each) => {
    const value = values[each] ?? "";
    return typeof value === "number" ? numbers.format(value) : visible(String(value));
  });
}

/** Return a name with the code points of its characters that nobody can see, so that no other name looks like it. */
export const visible = (name) => name.replace(UNSEEN, (each) => `[U+${each.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);

/** Return how the reader calls a column: by its heading, or by the label of its field if the heading is only the field's name. */
export function nameOfColumn({ csvHeader, targetField }) {
  return csvHeader === targetField ? labelOf("fields", targetField) : visible(csvHeader);
}

/** Return the label of a value of the API, or the value itself if this page does not know it yet. */
export function labelOf(section, value) {
  return hasText(`${section}.${value}`) ? t(`${section}.${value}`) : value;
}
