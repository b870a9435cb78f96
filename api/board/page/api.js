// The public API over HTTP, and the token that this tab holds.

import { BRAND, REFRESH, SIGN_IN } from "./documents.js";

const KEY = "backdesk.session";
export const address = new URL("graphql", document.baseURI);

/** What to tell the person; `kind` is "session" (sign in again), "away" (try again) or "refused". */
export class Problem extends Error {
  constructor(kind, message, wait = 0) {
    super(message);
    this.kind = kind;
    this.wait = wait;
  }
}

let session = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
let renewing;

export const token = () => session?.token;

/** Keep a token in this tab; null forgets it. */
export function keep(next) {
  session = next;
  if (next) sessionStorage.setItem(KEY, JSON.stringify(next));
  else sessionStorage.removeItem(KEY);
}

const ofTokens = (made) => ({
  token: made.accessToken,
  until: Date.parse(made.accessExpiresAt),
  refresh: made.refreshToken,
});

/** Sign in with a password, in the brand that the page's own host names. */
export async function signIn(email, password) {
  const input = { actor: "STAFF", email, password, device: "Board" };
  const { sessionCreate: made } = await send(SIGN_IN, { input });
  if (!made.tokens) throw new Problem("refused", made.errors[0]?.message ?? "That was refused.");
  keep(ofTokens(made.tokens));
}

/** Forget the token, and end the session if it was begun here; a token that was typed lives on. */
export function signOut() {
  const { token: ended, refresh } = session ?? {};
  keep(null);
  // Whether the server hears of it or not, this tab has nothing any more.
  if (!refresh) return;
  const document = "mutation { sessionRevoke(input: {}) { errors { message } } }";
  send(document, {}, ended).catch(() => {});
}

/** Whether the session came by password and its access token ends within a minute, or has ended. */
export const isDue = () => Boolean(session?.refresh) && session.until - Date.now() < 60_000;

/** A new access token shortly before the old one ends, where the session came by password. */
export async function renew() {
  if (!isDue()) return;
  const before = session;
  // One at a time: a refresh token that is used twice ends its session.
  renewing ??= (async () => {
    const { sessionRefresh: made } = await send(REFRESH, {
      input: { refreshToken: before.refresh },
    });
    if (!made.tokens) throw new Problem("session", "Your session has ended. Sign in again.");
    if (session === before) keep(ofTokens(made.tokens)); // else somebody signed out meanwhile
  })().finally(() => (renewing = undefined));
  await renewing;
}

/** The answer of an operation asked with the token. Throws a Problem. */
export async function ask(document, variables = {}) {
  await renew();
  return send(document, variables, token());
}

/** The brand that the page's host names; null on a neutral host. */
export async function brandOfHost() {
  return (await send(BRAND)).brand;
}

async function send(query, variables, bearer) {
  const headers = {
    "Content-Type": "application/json",
    Accept: "application/graphql-response+json",
  };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  let answer, body;
  try {
    const request = { method: "POST", headers, body: JSON.stringify({ query, variables }) };
    answer = await fetch(address, request);
    body = await answer.json();
  } catch {
    throw new Problem("away", "The server does not answer.");
  }
  const error = body.errors?.[0];
  if (!error) return body.data;
  const code = error.extensions?.code;
  if (code === "UNAUTHENTICATED") {
    throw new Problem("session", "That token is not valid: it may be mistyped, expired or revoked.");
  }
  if (code === "UNAVAILABLE" || code === "THROTTLED" || code === "INTERNAL") {
    const wait = Number(answer.headers.get("Retry-After") ?? 0) * 1000;
    throw new Problem("away", "The server is busy.", wait);
  }
  throw new Problem("refused", error.message);
}
