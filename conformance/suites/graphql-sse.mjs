// The graphql-sse client in distinct connections mode, and resumption as a browser does it.
import { createClient } from "graphql-sse";
import { assert, bearer, operation, suite, take, tokens, url } from "./common.mjs";

const client = createClient({ url, headers: bearer(tokens.client), retryAttempts: 0 });
const events = { query: operation("AccountEvents") };

await suite({
  "a query": async () => {
    const [result] = await take(1, client.iterate({ query: operation("Viewer") }));
    assert.equal(result.data.viewer.actor.__typename, "Client");
  },
  "a feed": async () => {
    const [first] = await take(1, client.iterate(events));
    assert.equal(first.data.accountEvents.__typename, "FeedHeartbeat");
  },
  "two feeds at once": async () => {
    const both = [client.iterate(events), client.iterate(events)];
    for (const each of both) assert.ok((await each.next()).value.data.accountEvents.cursor);
    for (const each of both) await each.return();
  },
  "a bad document is refused": async () => {
    await assert.rejects(take(1, client.iterate({ query: "{ nope }" })));
  },
  "a wrong token is refused": async () => {
    const wrong = createClient({ url, headers: bearer("bk_session_wrong"), retryAttempts: 0 });
    await assert.rejects(
      take(1, wrong.iterate({ query: "{ __typename }" })),
      (error) => error.response.status === 401,
    );
  },
  "frames end in LF LF, carry the cursor, and Last-Event-ID resumes": async () => {
    const first = await firstFrame({});
    const id = /^id: (.+)$/m.exec(first)[1];
    assert.ok(first.includes(JSON.stringify(id)), "the id is the item's cursor");
    const again = await firstFrame({ "Last-Event-ID": id });
    assert.match(again, /^id: .+\nevent: next\ndata: \{/);
  },
});

async function firstFrame(headers) {
  const stopped = new AbortController();
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      Accept: "text/event-stream",
      "Content-Type": "application/json",
      ...bearer(tokens.client),
      ...headers,
    },
    body: JSON.stringify(events),
    signal: stopped.signal,
  });
  let text = "";
  for await (const chunk of answer.body) {
    text += Buffer.from(chunk).toString();
    if (text.includes("\n\n")) break;
  }
  stopped.abort();
  return text;
}
