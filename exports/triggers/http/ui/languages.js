/* The language of the page. The browser keeps the reader's choice; without one, its own languages decide. */

import { all } from "./dom.js";
import { LANGUAGE } from "./texts.js";

const CHOICE = "client-export.language";

/**
 * Set up the links to the other languages. Return whether the page stays: if the reader has chosen another language, the
 * page is loaded in it, and this one must begin nothing.
 */
export function setUpLanguages() {
  const links = all("a[data-language]");
  for (const link of links) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      localStorage.setItem(CHOICE, link.dataset.language);
      showIn(link.dataset.language);
    });
  }
  const chosen = localStorage.getItem(CHOICE);
  const isAsked = new URLSearchParams(location.search).has("lang");
  const link = links.find((each) => each.dataset.language === chosen);
  if (!link || chosen === LANGUAGE || isAsked) return true;
  showIn(chosen);
  return false;
}

/** Load the page in a language. The rest of the address stays: it may be the answer of an issuer to a sign-in. */
function showIn(language) {
  const query = new URLSearchParams(location.search);
  query.set("lang", language);
  location.replace(`?${query}${location.hash}`);
}
