/* Draws parts of the page from data, with Preact and htm (vendor/): of what is drawn again, only differences change. */

export const html = htm.bind(preact.h);

/** Show what `html` has made in an element. Called again, it changes only the differences. */
export function draw(made, element) {
  preact.render(made, element);
}
