/* The language of the page. The browser keeps the reader's choice; without one, its own languages decide. */

import { all } from "./dom.js";
import { LANGUAGE } from "./texts.js";

const CHOICE = "client-export.language";

/** Set up the links to the other languages. The script is to call it first: it may load the page in another language. */
export function setUpLanguages() {
  const links = all("a[data-language]");
  for (const link of links) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      localStorage.setItem(CHOICE, link.dataset.language);
      location.replace(`${link.getAttribute("href")}${location.hash}`);
    });
  }
  const chosen = localStorage.getItem(CHOICE);
  const isAsked = new URLSearchParams(location.search).has("lang");
  const link = links.find((each) => each.dataset.language === chosen);
  if (link && chosen !== LANGUAGE && !isAsked) location.replace(`${link.getAttribute("href")}${location.hash}`);
}
