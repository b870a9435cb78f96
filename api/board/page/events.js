// The live list: which feeds this person may follow, and a row for each event.

import { node } from "./figures.js";
import { money, time, words } from "./format.js";

const ROWS = 60;
const TELL_MS = 5_000;
const NAMED = { client: "client { reference name }" };

/** Feeds by the permission they take. `figures` are the cards that an event may change. */
const FEEDS = [
  {
    name: "paymentEvents", type: "PaymentEvent", needs: "payments:watch", label: "Payment",
    figures: ["deposits", "withdrawals"],
    about: {
      "payments:read": (may) =>
        `payment { reference amount { amount currencyCode } ${may("clients:read") ? NAMED.client : ""} }`,
    },
  },
  {
    name: "depositEvents", type: "DepositEvent", needs: "deposits:watch", label: "Deposit",
    // The feed of payments tells of deposits as well.
    unless: "payments:watch", figures: ["deposits"],
    about: { "payments:read": () => "deposit { reference amount { amount currencyCode } }" },
  },
  {
    name: "leadEvents", type: "LeadEvent", needs: "leads:watch", label: "Lead",
    figures: ["leads"], extra: "stage", about: { "leads:read": () => "lead { reference name }" },
  },
  {
    name: "clientEvents", type: "ClientEvent", needs: "clients:watch", label: "Client",
    figures: ["leads", "kyc"], about: { "clients:read": () => NAMED.client },
  },
  {
    name: "complianceEvents", type: "ComplianceEvent", needs: "kyc:watch", label: "KYC",
    figures: ["kyc"], extra: "requirement", about: { "clients:read": () => NAMED.client },
  },
  {
    name: "ibEvents", type: "IbEvent", needs: "ibs:watch", label: "IB", figures: ["ibs"],
    extra: "amount { amount currencyCode }", about: { "ibs:read": () => "ib { code name }" },
  },
  {
    name: "challengeEvents", type: "ChallengeEvent", needs: "challenges:watch", label: "Challenge",
    figures: ["challenges"],
    about: {
      "challenges:read": (may) =>
        `challenge { reference ${may("clients:read") ? NAMED.client : ""} }`,
    },
  },
  {
    name: "accountEvents", type: "AccountEvent", needs: "accounts:watch", label: "Account",
    figures: ["ibs"], kinds: ["DEAL_CLOSED", "DEAL_CANCELLED"],
    about: {
      "accounts:read": (may) => `account { login ${may("clients:read") ? NAMED.client : ""} }`,
    },
  },
];

/** The feeds for somebody's permissions, with the fields to ask of an event. */
export function feedsFor(may) {
  return FEEDS.filter((feed) => may(feed.needs) && !(feed.unless && may(feed.unless))).map(
    (feed) => {
      const about = Object.entries(feed.about)
        .filter(([permission]) => may(permission))
        .map(([, fields]) => fields(may));
      return { ...feed, fields: ["kind", feed.extra ?? "", ...about].join(" ") };
    },
  );
}

/** The cards that an event may have changed. */
export const touches = (feed, item) =>
  feed.kinds && !feed.kinds.includes(item.kind) ? [] : feed.figures;

let rows = [], due = false, paused = false, untold = 0, telling;

/** A new event, on top. Drawn once a frame, however many there are. */
export function add(feed, item) {
  insert({ at: item.occurredAt, label: feed.label, what: words(item.kind), about: aboutOf(item) });
  untold += 1;
  telling ??= setTimeout(tell, TELL_MS);
}

/** Where events are missing the list says so. */
export function gap(feed) {
  const at = new Date().toISOString();
  insert({ at, label: feed.label, what: "Events are missing here: they are kept no longer", about: "" });
}

export function clear() {
  rows = [];
  clearTimeout(telling);
  telling = undefined;
  untold = 0;
  setPaused(false);
  draw();
}

/** Hold the list still for reading; events go on being counted. */
export function setPaused(next) {
  paused = next;
  const button = document.getElementById("pause");
  button.setAttribute("aria-pressed", String(paused));
  if (!paused) later();
}

export const isPaused = () => paused;

function insert(row) {
  const at = rows.findIndex((other) => other.at <= row.at);
  rows.splice(at < 0 ? rows.length : at, 0, row);
  rows.length = Math.min(rows.length, ROWS);
  later();
}

function later() {
  if (due || paused) return;
  due = true;
  // Not by frames: a tab in the background has none.
  setTimeout(() => {
    due = false;
    if (!paused) draw();
  }, 50);
}

function draw() {
  document.getElementById("quiet-list").hidden = rows.length > 0;
  const list = document.getElementById("events");
  const known = new Map([...list.children].map((each) => [each.row, each]));
  list.replaceChildren(...rows.map((row) => known.get(row) ?? rowOf(row)));
}

function rowOf(row) {
  const made = node("li", {},
    node("time", { dateTime: row.at }, time(row.at)),
    node("span", { className: `tag ${row.label.toLowerCase()}` }, row.label),
    node("span", { className: "what" }, row.what),
    node("span", { className: "about quiet" }, row.about));
  made.row = row;
  return made;
}

/** Whoever listens hears how many there were and the newest, not each of them. */
function tell() {
  telling = undefined;
  const [newest] = rows;
  if (untold && newest) {
    const count = untold === 1 ? "One new event" : `${untold} new events, the latest`;
    document.getElementById("told").textContent =
      `${count}: ${newest.label}, ${newest.what} ${newest.about}`;
  }
  untold = 0;
}

function aboutOf(item) {
  const thing = item.payment ?? item.deposit ?? item.lead ?? item.ib ?? item.challenge ?? item.account;
  const client = item.client ?? thing?.client;
  const amount = item.amount ?? thing?.amount;
  const parts = [
    thing?.reference ?? thing?.login ?? thing?.code ?? item.client?.reference,
    thing?.name ?? client?.name,
    amount && money(amount),
    item.stage && words(item.stage),
    item.requirement && words(item.requirement),
  ];
  return parts.filter(Boolean).join(" · ");
}
