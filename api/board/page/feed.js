// One socket for every feed (graphql-transport-ws). Each feed goes on behind the last cursor that
// was handled, however often the socket is lost: nothing is missed, nothing comes twice.

import { address, isDue, Problem, renew, token } from "./api.js";

const PROTOCOL = "graphql-transport-ws";
const PING_MS = 15_000;
const LONGEST_MS = 15_000;
const ITEM = "__typename ... on FeedItem { cursor occurredAt } ... on FeedReset { reason oldestCursor }";

/**
 * Follow feeds: `{name, type, fields}` each. `on` is told `state(text)`, `event(feed, item)`,
 * `lost(feed)` when events are missing, `ended(problem)` when the token does not hold any more.
 * Returns what stops it.
 */
export function follow(feeds, on) {
  const cursors = new Map();
  const living = new Set(feeds);
  let socket, ticking, waiting, used, tries = 0, stopped = false;

  async function open() {
    waiting = undefined;
    on.state(tries ? "reconnecting" : "connecting");
    try {
      await renew();
    } catch (problem) {
      if (problem.kind === "session") return end(problem);
      return later();
    }
    if (stopped) return;
    used = token();
    const url = new URL(address);
    url.protocol = url.protocol.replace("http", "ws");
    socket = new WebSocket(url, PROTOCOL);
    socket.onopen = () =>
      say({ type: "connection_init", payload: { Authorization: `Bearer ${used}` } });
    socket.onmessage = ({ data }) => hear(JSON.parse(data));
    socket.onclose = ({ code, reason }) => closed(code, reason);
  }

  const say = (message) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };

  function hear(message) {
    if (message.type === "connection_ack") {
      tries = 0;
      on.state("live");
      living.forEach(subscribe);
      watch();
    } else if (message.type === "ping") say({ type: "pong", payload: message.payload });
    else if (message.type === "pong") ticking.heard = true;
    else if (message.type === "next") handle(message);
    else if (message.type === "error") refused(message);
    else if (message.type === "complete") again(message.id);
  }

  const named = (id) => [...living].find((feed) => feed.name === id);
  const again = (id) => {
    const feed = named(id), mine = socket;
    // Not at once: a feed that ends as it begins would be asked for without end. A new socket asks
    // for every feed by itself.
    if (feed) setTimeout(() => socket === mine && subscribe(feed), 1_000);
  };

  function subscribe(feed) {
    const query = `subscription ($after: Cursor) { ${feed.name}(after: $after) {
      ${ITEM} ... on ${feed.type} { ${feed.fields} } } }`;
    const variables = { after: cursors.get(feed.name) ?? null };
    say({ id: feed.name, type: "subscribe", payload: { query, variables } });
  }

  function handle({ id, payload }) {
    const feed = named(id);
    const item = payload.data?.[id];
    if (!feed || !item) return;
    if (item.__typename === "FeedReset") {
      const isWhole = item.reason === "OVERFLOW";
      cursors.set(id, isWhole ? item.cursor : item.oldestCursor);
      if (!isWhole) on.lost(feed);
      return;
    }
    if (item.__typename === feed.type) on.event(feed, item);
    cursors.set(id, item.cursor);
  }

  function refused({ id, payload }) {
    const code = payload?.[0]?.extensions?.code;
    const feed = named(id);
    if (!feed) return;
    if (code === "FORBIDDEN") living.delete(feed);
    else if (code === "BAD_USER_INPUT" && cursors.delete(id)) on.lost(feed), again(id);
    else again(id);
  }

  /** A socket that is open and answers nothing is none. */
  function watch() {
    clearInterval(ticking?.timer);
    ticking = { heard: true };
    const mine = ticking;
    mine.timer = setInterval(() => {
      if (!mine.heard) return socket.close();
      mine.heard = false;
      say({ type: "ping" });
    }, PING_MS);
  }

  function closed(code, reason) {
    clearInterval(ticking?.timer);
    if (stopped) return;
    // Under a token that was renewed meanwhile, or can be, the feeds go on.
    if (code === 4403 && used === token() && !isDue()) {
      const said = "That token does not hold any more: it has expired or was revoked.";
      return end(new Problem("session", reason.startsWith("FORBIDDEN: ") ? reason.slice(11) : said));
    }
    later(code === 4429 ? LONGEST_MS : 0);
  }

  function later(least = 0) {
    on.state("reconnecting");
    tries += 1;
    const spread = Math.min(LONGEST_MS, 300 * 2 ** tries) * (0.5 + Math.random() / 2);
    waiting = setTimeout(open, Math.max(least, spread));
  }

  function end(problem) {
    stop();
    on.ended(problem);
  }

  /** The network is back: no use in waiting for the rest of a pause. */
  function online() {
    if (!waiting) return;
    clearTimeout(waiting);
    open();
  }

  function stop() {
    stopped = true;
    clearTimeout(waiting);
    clearInterval(ticking?.timer);
    removeEventListener("online", online);
    socket?.close();
  }

  addEventListener("online", online);
  open();
  return stop;
}
