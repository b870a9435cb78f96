// What every suite shares: the server's addresses and tokens, the operations, and checks.
// The runner passes BACKDESK_DEMO, the path of the server's demo.json.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse, print } from "graphql";

const demo = JSON.parse(readFileSync(process.env.BACKDESK_DEMO, "utf8"));
const [brand] = demo.brands;

export const url = demo.graphql;
export const ws = demo.ws;
export const publishableKey = brand.publishable_key;
export const tokens = brand.tokens;
export const bearer = (token) => ({ Authorization: `Bearer ${token}` });

const texts = ["queries", "mutations", "subscriptions"].map((name) =>
  readFileSync(new URL(`../operations/${name}.graphql`, import.meta.url), "utf8"),
);
const { definitions } = parse(texts.join("\n"));

/** The text of one operation with the fragments it needs. */
export function operation(name) {
  const chosen = definitions.find((each) => each.name.value === name);
  assert.ok(chosen, `no operation ${name}`);
  const needed = new Set([chosen]);
  for (const definition of needed) {
    for (const [, spread] of print(definition).matchAll(/\.\.\.(\w+)/g)) {
      const fragment = definitions.find((each) => each.name.value === spread);
      if (fragment) needed.add(fragment);
    }
  }
  return [...needed].map(print).join("\n");
}

/** Runs named checks one after the other; the process fails if any does. */
export async function suite(checks) {
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await within(20_000, check());
      console.log(`ok    ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${name}\n${error?.stack ?? JSON.stringify(error)}`);
    }
  }
  console.log(`${Object.keys(checks).length - failed} of ${Object.keys(checks).length}`);
  process.exit(failed ? 1 : 0);
}

/** Fails when a promise takes longer than it may. */
export function within(ms, promise) {
  const late = new Promise((_, reject) =>
    setTimeout(() => reject(new Error(`no answer in ${ms} ms`)), ms).unref(),
  );
  return Promise.race([promise, late]);
}

/** The first items of an async iterable; it is closed afterwards. */
export async function take(count, iterable) {
  const items = [];
  for await (const item of iterable) {
    items.push(item);
    if (items.length === count) break;
  }
  return items;
}

/** The id of one account of the demo's first client, asked for by plain fetch. */
export async function anAccountId() {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...bearer(tokens.client) },
    body: JSON.stringify({ query: operation("Accounts") }),
  });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data.accounts.nodes[0].id;
}

export { assert };
