// GraphQL over HTTP: all audits of graphql-http as a client (some read the schema), and what the
// anonymous may ask.
import { auditServer } from "graphql-http";
import { assert, bearer, suite, tokens, url } from "./common.mjs";

const AUDITS = 61;

await suite({
  "61 audits": async () => {
    const fetchFn = (target, init = {}) =>
      fetch(target, { ...init, headers: { ...bearer(tokens.client), ...init.headers } });
    const results = await auditServer({ url, fetchFn });
    const wrong = results.filter((result) => result.status !== "ok");
    console.log(`audits: ${results.length - wrong.length} of ${results.length}`);
    const told = wrong.map((each) => `${each.id} ${each.status} ${each.name}: ${each.reason}`);
    assert.deepEqual(told, []);
    assert.equal(results.length, AUDITS);
  },
  "the anonymous may ask for __typename": async () => {
    const answer = await fetch(`${url}?query={__typename}`);
    assert.equal(answer.status, 200);
    assert.deepEqual((await answer.json()).data, { __typename: "Query" });
  },
  "the anonymous may not read the schema": async () => {
    const answer = await fetch(`${url}?query={__schema{queryType{name}}}`);
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get("www-authenticate"), /^Bearer/);
  },
});
