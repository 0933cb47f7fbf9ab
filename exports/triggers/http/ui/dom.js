/* The page's elements, and what the server said of the API. */

export const FACTS = JSON.parse(document.getElementById("facts").textContent);

export const byId = (id) => document.getElementById(id);

export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** Build an element. Text is only ever text: nothing here writes markup. */
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

/** Tell those who cannot see the page. The pause lets a screen reader notice the same text said again. */
export function announce(text) {
  byId("announce").textContent = "";
  setTimeout(() => (byId("announce").textContent = text), 50);
}

/** Keep a button from being pressed again while its work goes on; it stays in the order of the keyboard. */
export async function busy(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
