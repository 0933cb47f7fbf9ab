/* Shows each fault beside the field it is about, and faults without a field in a box. */

import { all, make, show } from "./dom.js";
import { Ended } from "./api.js";
import { duration } from "./labels.js";
import { hasText, labelOf, t } from "./texts.js";

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
 * in their `attribute`. Returns that field; null if the problem is only in the box.
 */
export function showProblem(problem, container, box, attribute = "data-pointer") {
  if (problem instanceof Ended) return null;
  const lines = [];
  let first = null;
  for (const [index, fault] of (problem.errors ?? []).entries()) {
    const field = fieldOf(container, attribute, fault.pointer);
    if (field) markFault(field, `fault-${attribute}-${index}`, faultInWords(fault));
    else lines.push(faultInWords(fault));
    first ??= field;
  }
  const message = first || lines.length === 0 ? withWait(messageOf(problem), problem.retrySeconds) : "";
  box.replaceChildren(...[message, ...lines].filter(Boolean).map((line) => make("p", {}, line)));
  show(box, true);
  first?.focus();
  return first;
}

/** Show a problem after which the page tries again by itself, in so many seconds: the reader need not. */
export function showPassing(problem, seconds, box) {
  const again = t("problems.pageTriesAgain", { time: duration(seconds) });
  box.replaceChildren(...[messageOf(problem), again].map((line) => make("p", {}, line)));
  show(box, true);
}

/** Show a problem with what the reader has pressed. If it is in the box, which may be far away, bring the box into view. */
export function showFailure(problem, container, box, attribute) {
  if (!showProblem(problem, container, box, attribute)) box.scrollIntoView({ block: "nearest" });
}

/** Show a problem with something that the reader has left by now. `text` is one of `problems`, about its name. */
export function showLate(problem, text, name, box) {
  if (problem instanceof Ended) return;
  box.replaceChildren(make("p", {}, t(`problems.${text}`, { name, reason: messageOf(problem) })));
  show(box, true);
}

/** Return what a problem means, in words of an office if there are any for its code. */
export function messageOf(problem) {
  return hasText(`problemCodes.${problem.code}`) ? t(`problemCodes.${problem.code}`, { detail: problem.message }) : problem.message;
}

/** Return what a fault of a request means, in the language of the page if it knows this kind of fault. */
export function faultInWords({ code, detail, values = {} }) {
  if (!hasText(`faultCodes.${code}`)) return detail;
  return t(`faultCodes.${code}`, { ...values, most: Number(values.most), field: labelOf("fields", values.field) });
}

function withWait(message, seconds) {
  return seconds ? t("problems.tryAgainIn", { message, time: duration(seconds) }) : message;
}

/** Find the field that a JSON pointer names, or else the nearest one that encloses it. Hidden parts have none. */
function fieldOf(container, attribute, pointer) {
  for (let path = pointer; path; path = path.slice(0, path.lastIndexOf("/"))) {
    const fields = all(`[${attribute}="${CSS.escape(path)}"]`, container);
    const field = fields.find((each) => !container.contains(each.closest("[hidden]")));
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
