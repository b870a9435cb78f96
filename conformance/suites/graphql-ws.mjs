// The graphql-ws client: every operation succeeds or fails alone; feeds resume by cursor.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { anAccountId, assert, bearer, operation, suite, take, tokens, ws } from "./common.mjs";

const connect = (connectionParams, more = {}) =>
  createClient({ url: ws, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0, ...more });

const client = connect(bearer(tokens.client));
const events = (after) => ({ query: operation("AccountEvents"), variables: { after } });

await suite({
  "a query": async () => {
    const [result] = await take(1, client.iterate({ query: operation("Viewer") }));
    assert.equal(result.errors, undefined);
    assert.equal(result.data.viewer.actor.__typename, "Client");
  },
  "a mutation refused in its payload": async () => {
    const input = { email: "nobody@example.com", password: "wrong-password" };
    const query = operation("SessionCreate");
    const [result] = await take(1, client.iterate({ query, variables: { input } }));
    assert.equal(result.errors, undefined);
    assert.ok(result.data.sessionCreate.errors.length >= 1);
  },
  "a feed starts with its high-water mark and resumes": async () => {
    const [first] = await take(1, client.iterate(events(null)));
    assert.equal(first.errors, undefined);
    const { __typename, cursor } = first.data.accountEvents;
    assert.equal(__typename, "FeedHeartbeat");
    const [again] = await take(1, client.iterate(events(cursor)));
    assert.equal(again.errors, undefined);
    assert.ok(again.data.accountEvents.cursor);
  },
  "states are pushed": async () => {
    const variables = { accountIds: [await anAccountId()] };
    const query = operation("AccountStates");
    const [state] = await take(1, client.iterate({ query, variables }));
    assert.equal(state.errors, undefined);
    assert.match(state.data.accountStates.equity.amount, /^-?\d+\.\d+$/);
  },
  "bad documents fail alone": async () => {
    const live = client.iterate(events(null));
    await live.next();
    for (const query of ["{", "{ nope }", "query($n: Int!) { clients(first: $n) { nodes { id } } }"]) {
      await assert.rejects(take(1, client.iterate({ query })), (errors) => {
        assert.equal(errors[0].extensions.code, "BAD_USER_INPUT");
        return true;
      });
    }
    const [result] = await take(1, client.iterate({ query: operation("Viewer") }));
    assert.ok(result.data.viewer);
    await live.return();
  },
  "pings are answered": async () => {
    const answered = new Promise((resolve) => {
      const pinging = connect(bearer(tokens.client), {
        keepAlive: 50,
        lazy: false,
        on: { pong: (received) => received && resolve(pinging.dispose()) },
      });
    });
    await answered;
  },
  "a wrong token is closed with 4403": async () => {
    const wrong = connect(bearer("bk_session_wrong"));
    await assert.rejects(
      take(1, wrong.iterate({ query: "{ __typename }" })),
      (event) => event.code === 4403,
    );
  },
  "credentials in lower case": async () => {
    const lower = connect({ authorization: `Bearer ${tokens.client}` });
    const [result] = await take(1, lower.iterate({ query: operation("Viewer") }));
    assert.ok(result.data.viewer);
  },
});
