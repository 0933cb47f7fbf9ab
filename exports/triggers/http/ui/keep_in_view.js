/* Keeps what a reader looks at in view while the page grows. */

/** Keep an element in view if all of it was in view before the page grew. Where readers scroll to, they stay. */
export function keepInView(element) {
  let wasInView = false;
  const look = () => (wasInView = isWhollyInView(element));
  addEventListener("scroll", look, { passive: true });
  const growth = new ResizeObserver(() => {
    if (wasInView && !isWhollyInView(element)) element.scrollIntoView({ block: "nearest" });
    look();
  });
  growth.observe(document.body);
  growth.observe(element);
}

function isWhollyInView(element) {
  const { top, bottom, height } = element.getBoundingClientRect();
  return height > 0 && top >= 0 && bottom <= innerHeight;
}
