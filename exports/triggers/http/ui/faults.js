/* Shows what is wrong beside the field it is about; what belongs to no field, in the box given. */

import { all, make, show } from "./dom.js";
import { duration } from "./labels.js";

const SENTENCES = {
  "invalid-request": "Please look at what is marked.",
  "invalid-api-key": "This API key is not valid. Check that you copied all of it; it may also have been withdrawn.",
};

/** Take away every mark within `place`. */
export function clearFaults(place, box) {
  for (const note of all(".fault", place)) note.remove();
  for (const field of all("[aria-invalid]", place)) {
    field.removeAttribute("aria-invalid");
    const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => !id.startsWith("fault-"));
    if (others.join("")) field.setAttribute("aria-describedby", others.join(" "));
    else field.removeAttribute("aria-describedby");
  }
  show(box, false);
}

/** Say what went wrong. `place` holds fields with `data-pointer`, or with the attribute named. */
export function showProblem(problem, place, box, attribute = "data-pointer") {
  const lines = [];
  let first = null;
  for (const [index, fault] of (problem.errors ?? []).entries()) {
    const field = fieldOf(place, attribute, fault.pointer);
    if (field) mark(field, `fault-${attribute}-${index}`, fault.detail);
    else lines.push(fault.detail);
    first ??= field;
  }
  const wait = problem.retrySeconds ? ` Try again in ${duration(problem.retrySeconds)}.` : "";
  const said = first || lines.length === 0 ? SENTENCES[problem.code] ?? problem.message : "";
  box.replaceChildren(...[`${said}${wait}`, ...lines].filter(Boolean).map((line) => make("p", {}, line)));
  show(box, true);
  first?.focus();
}

/** The field that a JSON pointer names, or the nearest one around what it names. */
function fieldOf(place, attribute, pointer) {
  for (let path = pointer; path; path = path.slice(0, path.lastIndexOf("/"))) {
    const field = place.querySelector(`[${attribute}="${CSS.escape(path)}"]`);
    if (field) return field;
  }
  return null;
}

function mark(field, id, text) {
  for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  const note = make("p", { id, className: "fault" }, text);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${id}`.trim());
  const around = field.closest("#chosen li");
  if (around) around.append(note);
  else if (field.matches("fieldset, [role=radiogroup], div")) field.append(note);
  else (field.closest(".joined, .check") ?? field).after(note);
}
