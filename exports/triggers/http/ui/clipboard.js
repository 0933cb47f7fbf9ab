/* Copies texts for the reader. */

import { announce, make } from "./dom.js";
import { t } from "./texts.js";

/** Copy a text and say so beside the button. If the browser refuses, show the text selected, so that it can be copied. */
export async function copyText(text, button) {
  button.parentElement.querySelector(".copied")?.remove();
  try {
    await navigator.clipboard.writeText(text);
    button.after(make("span", { className: "copied hint" }, t("clipboard.copied")));
    announce(t("clipboard.copied"));
  } catch {
    const box = make("input", { className: "copied", readOnly: true, value: text, aria: { label: t("clipboard.copyThis") } });
    button.after(box);
    box.select();
  }
}
