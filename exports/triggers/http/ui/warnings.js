/* Draws the warnings of the service, alike in the preview and in the estimate. */

import { make } from "./dom.js";
import { listOf } from "./labels.js";
import { hasText, nameOfColumn, t } from "./texts.js";

const MAX_NAMES = 6;

/** Return a warning as an item of a list. `mapped` has the columns of the file, as far as they are known. */
export function drawWarning({ code, message, columns }, mapped) {
  const item = make("li", { dataset: { code } }, make("p", {}, hasText(`warnings.${code}`) ? t(`warnings.${code}`) : message));
  if (columns.length) item.append(make("p", { className: "hint" }, t("export.inColumns", { columns: listNames(namesOf(columns, mapped)) })));
  return item;
}

/** Return the names of columns, or of fields: a warning has the headings of the columns, or what the API calls the fields. */
function namesOf(headings, mapped) {
  const isOf = (heading) => ({ csvHeader }) => csvHeader === heading;
  return headings.map((heading) => nameOfColumn(mapped.find(isOf(heading)) ?? { csvHeader: heading, targetField: heading }));
}

function listNames(names) {
  const rest = names.length - MAX_NAMES;
  return listOf(rest > 1 ? [...names.slice(0, MAX_NAMES), t("export.moreColumns", { count: rest })] : names);
}
