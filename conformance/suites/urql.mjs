// urql: its own exchanges over HTTP, over event streams, and over graphql-ws.
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { assert, bearer, operation, suite, tokens, url, ws } from "./common.mjs";

const options = { url, fetchOptions: { headers: bearer(tokens.client) }, preferGetMethod: false };
const plain = new Client({ ...options, exchanges: [fetchExchange] });
const streaming = new Client({
  ...options,
  fetchSubscriptions: true,
  exchanges: [fetchExchange],
});
const sockets = createClient({
  url: ws,
  webSocketImpl: WebSocket,
  connectionParams: bearer(tokens.client),
});
const socketed = new Client({
  ...options,
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: sockets.subscribe(request, sink) }),
      }),
    }),
  ],
});

const first = (source) =>
  new Promise((resolve) => {
    const { unsubscribe } = source.subscribe((result) => {
      setImmediate(() => unsubscribe());
      resolve(result);
    });
  });

await suite({
  "a query": async () => {
    const result = await plain.query(operation("Viewer"), {}).toPromise();
    assert.equal(result.error, undefined, String(result.error));
    assert.equal(result.data.viewer.actor.__typename, "Client");
  },
  "a query of a client that also accepts streams": async () => {
    const result = await streaming.query(operation("Viewer"), {}).toPromise();
    assert.equal(result.error, undefined, String(result.error));
  },
  "a query by GET": async () => {
    const getting = new Client({ ...options, preferGetMethod: "force", exchanges: [fetchExchange] });
    const result = await getting.query(operation("Viewer"), {}).toPromise();
    assert.equal(result.error, undefined, String(result.error));
  },
  "an error with its code": async () => {
    const result = await plain.query("{ nope }", {}).toPromise();
    assert.equal(result.error.graphQLErrors[0].extensions.code, "BAD_USER_INPUT");
  },
  "a mutation refused in its payload": async () => {
    const input = { email: "nobody@example.com", password: "wrong-password" };
    const result = await plain.mutation(operation("SessionCreate"), { input }).toPromise();
    assert.equal(result.error, undefined, String(result.error));
    assert.ok(result.data.sessionCreate.errors.length >= 1);
  },
  "a feed as an event stream": async () => {
    const result = await first(streaming.subscription(operation("AccountEvents"), {}));
    assert.equal(result.error, undefined, String(result.error));
    assert.equal(result.data.accountEvents.__typename, "FeedHeartbeat");
  },
  "a feed over a socket": async () => {
    const result = await first(socketed.subscription(operation("AccountEvents"), {}));
    assert.equal(result.error, undefined, String(result.error));
    assert.equal(result.data.accountEvents.__typename, "FeedHeartbeat");
  },
});
