/* Requests to the service this page came from. The key travels in a header, never in an address. */

/** A refusal: the problem document of the service, or what this page knows to say without one. */
export class Problem extends Error {
  constructor(status, document, retrySeconds = null) {
    super(document.detail ?? document.title);
    this.status = status;
    this.code = document.code ?? "";
    this.errors = document.errors ?? [];
    this.retrySeconds = retrySeconds;
  }
}

/** No answer at all; asking again may help. */
export class Unreachable extends Error {
  constructor() {
    super("The service cannot be reached. Check your connection, then try again; nothing is lost.");
  }
}

const VISIBLE = /^[\x21-\x7e]+$/;

export class Api {
  constructor(key, tenant) {
    this.key = key;
    this.tenant = tenant;
  }

  /** Send a request. Gives status, headers and JSON; throws `Problem` or `Unreachable`. */
  async send(method, path, { body, headers = {} } = {}) {
    if (!VISIBLE.test(this.key)) throw new Problem(401, { code: "invalid-api-key", detail: "This is not an API key." });
    const sent = { "x-api-key": this.key, ...headers };
    if (body !== undefined) sent["content-type"] = "application/json";
    let answer;
    let text;
    try {
      answer = await fetch(this.address(path), {
        method,
        headers: sent,
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
        credentials: "omit",
        referrerPolicy: "no-referrer",
      });
      text = await answer.text();
    } catch {
      throw new Unreachable();
    }
    const data = parsed(text);
    if (answer.status >= 400) throw new Problem(answer.status, data ?? unexplained(answer.status), retryAfter(answer));
    return { status: answer.status, data, etag: answer.headers.get("etag"), retrySeconds: retryAfter(answer) };
  }

  address(path) {
    return this.tenant ? `/tenants/${encodeURIComponent(this.tenant)}/${path}` : `/${path}`;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unexplained(status) {
  return { detail: `The service did not do this and gave no reason (${status}). Try again in a minute.` };
}

function retryAfter(answer) {
  const seconds = Number.parseInt(answer.headers.get("retry-after"), 10);
  return Number.isNaN(seconds) ? null : seconds;
}
