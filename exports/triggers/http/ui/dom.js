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
