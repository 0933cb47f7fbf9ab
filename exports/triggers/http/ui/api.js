/* Sends requests to the service that delivered the UI. The API key travels in a header, never in a URL. */

import { t } from "./texts.js";

/** The service refused: holds its problem document, or a text of our own if the service sent none. */
export class Problem extends Error {
  constructor(status, document, retrySeconds = null) {
    super(document.detail ?? document.title);
    this.code = document.code ?? "";
    // The key is not valid, as with 401; its address has sent many such keys, too.
    this.status = this.code === "too-many-wrong-keys" ? 401 : status;
    this.errors = document.errors ?? [];
    this.retrySeconds = retrySeconds;
  }
}

/** The service did not answer. Another try can succeed. */
export class Unreachable extends Error {
  constructor() {
    super(t("problems.unreachable"));
  }
}

/** The reader was signed out or changed the tenant, so no part of the page may show the answer any more. */
export class Ended extends Unreachable {}

/** Accept the problem of a deletion if what was to be deleted is gone already; throw any other. */
export function unlessGone(problem) {
  if (problem.status !== 404) throw problem;
}

/** A header value can hold no other characters: with them, `fetch` would fail as if the service were unreachable. */
const VISIBLE = /^[\x21-\x7e]+$/;

/** The credentials of an API key. Like those of an account, they give the header that each request sends. */
export function keyCredentials(key) {
  return {
    key,
    async header() {
      if (!VISIBLE.test(key)) throw new Problem(401, { code: "invalid-api-key", detail: t("signIn.notAKey") });
      return ["x-api-key", key];
    },
  };
}

export class Api {
  /**
   * `me` is the answer of `GET /me`. Without a tenant, paths are those of the service. `signOut` receives the problem if
   * the service no longer accepts the credentials, whichever request it was, and ends this API.
   */
  constructor(credentials, tenant = "", me = null, signOut = null) {
    this.credentials = credentials;
    this.tenant = tenant;
    this.me = me;
    this.signOut = signOut;
    this.ending = new AbortController();
  }

  /** Cancel all requests, and refuse later ones with `Ended`: the reader signs out or changes the tenant. */
  end() {
    this.ending.abort();
  }

  /** Whether the reader may do for this tenant what a scope allows. */
  may(scope) {
    const tenant = this.me?.tenants.find(({ code }) => code === this.tenant);
    return (tenant?.scopes ?? this.me?.scopes ?? []).includes(scope);
  }

  /**
   * Send a request and return status, JSON, `etag` and `retrySeconds`. Throws `Problem` or `Unreachable`; the latter
   * also if `signal` cancels the request, as `Ended` if `end` does.
   */
  async send(method, path, options) {
    try {
      const answer = await this.exchange(method, path, options);
      if (!this.ending.signal.aborted) return answer;
    } catch (problem) {
      if (problem.status === 401 && !this.ending.signal.aborted) this.signOut?.(problem);
      if (!this.ending.signal.aborted) throw problem;
    }
    throw new Ended();
  }

  async exchange(method, path, { body, headers = {}, signal } = {}) {
    const [header, value] = await this.credentials.header();
    const sent = { [header]: value, ...headers };
    if (body !== undefined) sent["content-type"] = "application/json";
    let answer;
    let text;
    try {
      answer = await fetch(this.urlOf(path), {
        method,
        headers: sent,
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
        credentials: "omit",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.any([this.ending.signal, ...(signal ? [signal] : [])]),
      });
      text = await answer.text();
    } catch {
      throw new Unreachable();
    }
    const data = parseJson(text);
    if (answer.status >= 400) throw new Problem(answer.status, data ?? unexplained(answer.status), retryAfter(answer));
    return { status: answer.status, data, etag: answer.headers.get("etag"), retrySeconds: retryAfter(answer) };
  }

  urlOf(path) {
    return this.tenant ? `/tenants/${encodeURIComponent(this.tenant)}/${path}` : `/${path}`;
  }
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unexplained(status) {
  return { detail: t("problems.unexplained", { status: String(status) }) };
}

/** The pause that the service asks for. None of 0 seconds: the page would ask again without any pause. */
function retryAfter(answer) {
  const seconds = Number.parseInt(answer.headers.get("retry-after"), 10);
  return seconds > 0 ? seconds : null;
}
