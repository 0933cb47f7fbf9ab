/* The fields for a notification about the end of an export, and the button that tests its receivers. */

import { announce, busy, byId, make, show } from "./dom.js";
import { clearFaults, showProblem } from "./faults.js";
import { hasText, t } from "./texts.js";

const PATH_OF_TEST = "clients/export/notification-test";

/** Say which receiver has answered to a try, and how. */
export const tryInWords = (each) => t("notify.answer", { receiver: each.receiver, answer: answerInWords(each) });

/** Say how a receiver has answered, as `delivered`, `status` and `fault` of the API tell it. */
function answerInWords({ delivered, status, fault }) {
  if (delivered) return t("notify.accepted");
  if (fault && hasText(`deliveryFaults.${fault}`)) return t(`deliveryFaults.${fault}`);
  return t("notify.refused", { status: String(status ?? fault) });
}

/** The fields whose ids begin with `prefix`. */
export class NotifyFields {
  constructor(prefix) {
    this.prefix = prefix;
    this.api = null;
    this.scheduleCode = undefined;
    /** How often the answers were cleared: later ones belong to other receivers. */
    this.cleared = 0;
  }

  at(name) {
    return byId(`${this.prefix}-${name}`);
  }

  /** Set up the button. */
  setUp() {
    this.at("test").addEventListener("click", () => busy(this.at("test"), () => this.test()));
    for (const name of ["url", "email"]) this.at(name).addEventListener("input", () => this.clearAnswers());
  }

  /** Show the fields for what this service can send. Without an API, forget what was typed. */
  show(api, scheduleCode) {
    this.api = api;
    this.scheduleCode = scheduleCode;
    this.clearAnswers();
    if (!api) this.write(null);
    const ways = api?.me?.limits?.notifyBy ?? ["webhook", "email"];
    show(this.at("url-field"), ways.includes("webhook"));
    show(this.at("email-field"), ways.includes("email"));
    const whole = this.at("fields").closest("fieldset, section");
    show(whole, ways.length > 0);
  }

  /** Return `notify` of a request; undefined if no receiver is named. */
  read() {
    const webhookUrl = this.at("url").value.trim();
    const email = this.at("email").value.split(/[,;\s]+/).filter(Boolean);
    if (!webhookUrl && !email.length) return undefined;
    return { ...(webhookUrl ? { webhookUrl } : {}), ...(email.length ? { email } : {}) };
  }

  write(notify) {
    this.at("url").value = notify?.webhookUrl ?? "";
    this.at("email").value = (notify?.email ?? []).join(", ");
  }

  clearAnswers() {
    this.cleared += 1;
    clearFaults(this.at("fields"), this.at("problem"));
    this.at("answers").replaceChildren();
  }

  async test() {
    this.clearAnswers();
    const mine = this.cleared;
    const notify = this.read();
    if (!notify) {
      [this.at("url"), this.at("email")].find((field) => field.checkVisibility()).focus();
      announce(t("notify.noReceiver"));
      return;
    }
    try {
      const { data } = await this.api.send("POST", PATH_OF_TEST, { body: { ...notify, scheduleCode: this.scheduleCode } });
      if (mine !== this.cleared) return;
      const lines = data.data.map(tryInWords);
      this.at("answers").replaceChildren(
        ...lines.map((line, index) => make("li", { dataset: { delivered: String(data.data[index].delivered) } }, line)),
      );
      announce(lines.join(" "));
    } catch (problem) {
      if (mine === this.cleared) showProblem(problem, this.at("fields"), this.at("problem"), "data-test");
    }
  }
}

/** The fields in the form of an export. */
export const exportNotify = new NotifyFields("notify");
