/* Access to the elements of the UI, and the metadata of the API that the server has put into it. */

export const METADATA = JSON.parse(document.getElementById("metadata").textContent);

export const byId = (id) => document.getElementById(id);

export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** Build an element. A string becomes a text node, so no text is ever interpreted as markup. */
export function make(tag, properties = {}, ...children) {
  const { dataset = {}, aria = {}, ...plain } = properties;
  const element = Object.assign(document.createElement(tag), plain);
  Object.assign(element.dataset, dataset);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value);
  element.append(...children);
  return element;
}

export function show(element, visible) {
  element.hidden = !visible;
}

/**
 * Focus an element when some work is done, unless the reader has turned to another place meanwhile. The work began at an
 * element within `place`, or at one that is no longer shown.
 */
export function focusUnlessElsewhere(element, place = null) {
  const focused = document.activeElement;
  if (!focused || focused.matches("body, main") || !focused.checkVisibility() || place?.contains(focused)) element.focus();
}

/** Let screen readers read a text aloud. Without the pause they would not notice a text that is repeated. */
export function announce(text) {
  byId("announce").textContent = "";
  setTimeout(() => (byId("announce").textContent = text), 50);
}

/** Ignore further presses of a button until its work is done. The button keeps its place in the tab order. */
export async function busy(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
