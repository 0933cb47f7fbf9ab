/* Puts a request, such as that of an earlier export, into the form. */

import { all, byId } from "./dom.js";
import { setColumns } from "./columns.js";
import { choosePreset } from "./request.js";

/** Set the whole form from the body of a request. What the body leaves out gets its default. */
export function useSettings({ columnMappings, filter = {}, format = {}, includeHeaders = true }) {
  byId("request").reset();
  setColumns(columnMappings ?? []);
  document.querySelector(`input[name=columns][value=${columnMappings ? "chosen" : "all"}]`).checked = true;
  for (const name of ["statuses", "types"]) {
    for (const box of all(`input[name=${name}]`)) box.checked = filter[name]?.includes(box.value) ?? false;
  }
  byId("search").value = filter.search ?? "";
  if (filter.updatedSince) byId("since").value = localTime(filter.updatedSince);
  for (const input of all("[data-codes]")) input.value = (filter[input.dataset.codes] ?? []).join(", ");
  choosePreset(format.preset ?? "rfc4180");
  const options = { "file-name": format.fileName, delimiter: format.delimiter, "line-ending": format.lineEnding, quoting: format.quoting };
  for (const [id, value] of Object.entries(options)) byId(id).value = value ?? "";
  if (format.compression) byId("compression").value = format.compression;
  byId("mark").value = { true: "yes", false: "no" }[format.byteOrderMark] ?? "";
  byId("guard").checked = format.formulaGuard ?? true;
  byId("headers").checked = includeHeaders;
  byId("request").dispatchEvent(new Event("input", { bubbles: true }));
}

/** Write a moment as an input of type datetime-local does: in the time zone of the browser, without a zone. */
function localTime(moment) {
  const date = new Date(moment);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
