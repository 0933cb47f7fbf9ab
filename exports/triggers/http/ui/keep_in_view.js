/* Keeps what a reader looks at in view while the page grows. */

const READER_ACTS = ["wheel", "touchmove", "pointerdown", "keydown"];

/**
 * Keep an element in view if all of it was in view before the page grew. Where readers scroll to, they stay.
 *
 * A scroll event says nothing of its cause, and on a slow machine it comes after the page has grown. So only a scroll
 * after an act of the reader, on a page that has not grown since, lets go of the element, or a focus elsewhere: then the
 * reader, or the page, has turned to something else.
 *
 * @returns {() => void} scrolls to the element, and keeps it in view from then on
 */
export function keepInView(element) {
  let isKept = false;
  let readerActed = false;
  let focusedBefore = null; // when the window gets the focus back, it returns by itself to where it was
  let heights = "";

  const bring = () => {
    isKept = true;
    readerActed = false;
    heights = heightsOf(element);
    element.scrollIntoView({ block: "nearest" });
  };
  const grown = () => {
    if (isKept && !isWhollyInView(element)) bring();
    else if (isWhollyInView(element)) isKept = true;
    heights = heightsOf(element);
  };
  const scrolled = () => {
    if (heightsOf(element) !== heights) grown();
    else if (readerActed || isWhollyInView(element)) isKept = isWhollyInView(element);
  };

  for (const act of READER_ACTS) addEventListener(act, () => (readerActed = true), { passive: true, capture: true });
  addEventListener("blur", () => (focusedBefore = document.activeElement));
  addEventListener("focusin", ({ target }) => {
    if (target !== focusedBefore) isKept &&= element.contains(target);
    focusedBefore = null;
  });
  addEventListener("scroll", scrolled, { passive: true });
  const growth = new ResizeObserver(grown);
  growth.observe(document.body);
  growth.observe(element);
  return bring;
}

const heightsOf = (element) => `${document.documentElement.scrollHeight} ${element.offsetHeight}`;

function isWhollyInView(element) {
  const { top, bottom, height } = element.getBoundingClientRect();
  return height > 0 && top >= 0 && bottom <= innerHeight;
}
