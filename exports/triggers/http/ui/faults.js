/* Shows each fault beside the field it is about, and faults without a field in a box. */

import { all, make, show } from "./dom.js";
import { duration } from "./labels.js";

/** Texts that replace the detail of a problem, by its code. */
const MESSAGES = {
  "invalid-request": "Please correct the marked fields.",
  "invalid-api-key": "This API key is not valid. Check that you copied all of it; it may also have been revoked.",
};

/** Remove all faults within `container`, and hide `box`. */
export function clearFaults(container, box) {
  for (const note of all(".fault", container)) note.remove();
  for (const field of all("[aria-invalid]", container)) {
    field.removeAttribute("aria-invalid");
    const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => !id.startsWith("fault-"));
    if (others.join("")) field.setAttribute("aria-describedby", others.join(" "));
    else field.removeAttribute("aria-describedby");
  }
  show(box, false);
}

/**
 * Show a problem, and focus the first field that has a fault. Fields within `container` are found by the JSON pointer
 * in their `attribute`.
 */
export function showProblem(problem, container, box, attribute = "data-pointer") {
  const lines = [];
  let first = null;
  for (const [index, fault] of (problem.errors ?? []).entries()) {
    const field = fieldOf(container, attribute, fault.pointer);
    if (field) markFault(field, `fault-${attribute}-${index}`, fault.detail);
    else lines.push(fault.detail);
    first ??= field;
  }
  const wait = problem.retrySeconds ? ` Try again in ${duration(problem.retrySeconds)}.` : "";
  const message = first || lines.length === 0 ? MESSAGES[problem.code] ?? problem.message : "";
  box.replaceChildren(...[`${message}${wait}`, ...lines].filter(Boolean).map((line) => make("p", {}, line)));
  show(box, true);
  first?.focus();
}

/** Find the field that a JSON pointer names, or else the nearest one that encloses it. */
function fieldOf(container, attribute, pointer) {
  for (let path = pointer; path; path = path.slice(0, path.lastIndexOf("/"))) {
    const field = container.querySelector(`[${attribute}="${CSS.escape(path)}"]`);
    if (field) return field;
  }
  return null;
}

function markFault(field, id, text) {
  for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  const note = make("p", { id, className: "fault" }, text);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${id}`.trim());
  const chosen = field.closest("#chosen li");
  if (chosen) chosen.append(note);
  else if (field.matches("fieldset, [role=radiogroup], div")) field.append(note);
  else (field.closest(".joined, .check") ?? field).after(note);
}
