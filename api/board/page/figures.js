// The cards: what each figure asks of the dashboard, and how it is drawn. Text only, no markup.

import { day, decimal, distance, money, time, whole, words } from "./format.js";

const WAYS = ["NEW", "ASSIGNED", "CONTACTED", "INTERESTED", "REGISTERED", "KYC"];
const KYC = {
  DRAFT: "Begun",
  AWAITING_DOCS: "Papers awaited",
  PENDING: "Being looked at",
  ON_HOLD: "On hold",
  REJECTED_RETRY: "To be tried again",
};
const SUM = "{ amount { amount currencyCode } count oldestAt }";

/** By card: the dashboard's field, what is asked below it, how it is drawn. */
const FIGURES = {
  leads: { field: "leadsByStage", below: () => "{ stage count }", draw: leads },
  kyc: { field: "clientsInKyc", below: () => "{ status count }", draw: kyc },
  deposits: { field: "depositsClearedToday", below: () => SUM, draw: deposits },
  withdrawals: { field: "withdrawalsPending", below: () => SUM, draw: withdrawals },
  ibs: {
    field: "ibVolume",
    below: () => "{ lots deals tradingClients accrued { amount currencyCode } }",
    draw: ibs,
  },
  challenges: { field: "challengesNearFloor", below: ofChallenges, draw: challenges },
};
export const NAMES = Object.keys(FIGURES);

function ofChallenges(may) {
  const client = may("clients:read") ? "client { name }" : "";
  const challenge = may("challenges:read") ? `challenge { reference ${client} }` : "";
  const amount = "{ amount currencyCode }";
  return `{ rule floor ${amount} equity ${amount} distance ${amount} distancePercent
    nextResetAt asOf ${challenge} }`;
}

/** One document for all of them: variables say which are wanted this time. */
export function documentFor(may) {
  const variables = NAMES.map((name) => `$${name}: Boolean!`).join(", ");
  const fields = NAMES.map(
    (name) => `${FIGURES[name].field} @include(if: $${name}) ${FIGURES[name].below(may)}`,
  );
  return `query Board(${variables}) { dashboard { day dayEndsAt asOf
    withheld { field permission } ${fields.join(" ")} } }`;
}

const drawn = new Map();

/** Forget what was drawn: somebody else signs in. */
export function clear() {
  drawn.clear();
  for (const name of NAMES) bodyOf(name).replaceChildren();
}

/** Draw the figures that an answer has; what changed since lights up for a moment. */
export function draw(dashboard) {
  const now = new Date(dashboard.asOf);
  document.getElementById("day").replaceChildren(
    day(dashboard.day), " · as of ", node("time", { dateTime: dashboard.asOf }, time(now)),
  );
  const withheld = new Map(dashboard.withheld.map((one) => [one.field, one.permission]));
  for (const [name, figure] of Object.entries(FIGURES)) {
    const value = dashboard[figure.field];
    if (value === undefined) continue;
    const permission = withheld.get(figure.field);
    if (permission) noteOf(name, permission);
    else figure.draw(bodyOf(name), value, now);
    const text = JSON.stringify(value);
    const before = drawn.get(name);
    if (before !== undefined && before !== text && name !== "challenges") light(name);
    drawn.set(name, text);
  }
}

const bodyOf = (name) => document.querySelector(`#${name} .body`);

function light(name) {
  const card = document.getElementById(name);
  card.classList.remove("changed");
  void card.offsetWidth; // begin the animation anew
  card.classList.add("changed");
}

function noteOf(name, permission) {
  bodyOf(name).replaceChildren(
    node("p", { className: "quiet" }, "Not for you to see: it takes ", node("code", {}, permission), "."),
  );
}

/** An element with properties and children; children are elements or text. */
export function node(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const number = (count) => node("data", { value: count }, whole(count));
const amountOf = (one) =>
  node("data", { value: `${one.amount} ${one.currencyCode}` }, money(one));
const quiet = (...text) => node("p", { className: "quiet" }, ...text);
const total = (rows) => rows.reduce((sum, row) => sum + row.count, 0);
const many = (count, one, more = `${one}s`) => `${whole(count)} ${count === 1 ? one : more}`;

function big(...children) {
  return node("p", { className: "big" }, ...children);
}

function bars(rows) {
  const most = Math.max(1, ...rows.map((row) => row.count));
  return node("ul", { className: "bars" }, ...rows.map((row) => {
    const fill = node("span", { className: "fill" });
    fill.style.inlineSize = `${(100 * row.count) / most}%`;
    const track = node("span", { className: "track", ariaHidden: "true" }, fill);
    return node("li", {}, node("span", {}, row.label), track, number(row.count));
  }));
}

function leads(body, rows) {
  const at = Object.fromEntries(rows.map((row) => [row.stage, row.count]));
  const way = WAYS.map((stage) => ({ label: words(stage), count: at[stage] ?? 0 }));
  const rest = { FTD: "first deposit", ACTIVE: "active", LOST: "lost", DNC: "do not contact" };
  const beyond = Object.entries(rest).filter(([stage]) => at[stage]);
  if (!rows.length) return body.replaceChildren(big(number(0)), quiet("No lead yet."));
  body.replaceChildren(
    big(number(total(way))),
    bars(way),
    quiet(beyond.map(([stage, label]) => `${whole(at[stage])} ${label}`).join(" · ")),
  );
}

function kyc(body, rows) {
  if (!rows.length) return body.replaceChildren(big(number(0)), quiet("Nobody is under way."));
  const labelled = rows.map((row) => ({
    label: KYC[row.status] ?? words(row.status), count: row.count,
  }));
  body.replaceChildren(big(number(total(rows))), bars(labelled));
}

function sums(rows, note) {
  return node("ul", { className: "sums" }, ...rows.map((row) =>
    node("li", {}, big(amountOf(row.amount)), quiet(note(row))),
  ));
}

function deposits(body, rows) {
  if (!rows.length) return body.replaceChildren(quiet("None has cleared yet today."));
  body.replaceChildren(sums(rows, (row) => many(row.count, "deposit")));
}

function withdrawals(body, rows, now) {
  if (!rows.length) return body.replaceChildren(quiet("Nothing waits for approval."));
  body.replaceChildren(
    sums(rows, (row) => `${whole(row.count)} waiting, the oldest asked for ${distance(row.oldestAt, now)}`),
  );
}

function ibs(body, volume) {
  const lots = node("data", { value: volume.lots }, decimal(volume.lots, 2));
  const traded = quiet(`${many(volume.deals, "deal")} by ${many(volume.tradingClients, "client")}`);
  if (!volume.deals && !volume.accrued.length) {
    return body.replaceChildren(quiet("No commission has been earned yet today."));
  }
  const earned = volume.accrued.map((one) =>
    node("li", {}, node("span", {}, "Commissions"), amountOf(one)),
  );
  body.replaceChildren(
    big(lots, unit(" lots")), traded, node("ul", { className: "pairs" }, ...earned),
  );
}

const unit = (text) => node("span", { className: "unit" }, text);

function challenges(body, rows, now) {
  if (!rows.length) return body.replaceChildren(quiet("No challenge is being traded."));
  let box = body.querySelector(".scroll");
  if (!box) {
    box = node("div", { className: "scroll", tabIndex: 0, role: "region" });
    box.setAttribute("aria-labelledby", "challenges-title");
    body.replaceChildren(box);
  }
  const heads = ["Challenge", "Rule", "Left", "Of account", "Floor", "Equity", "Reset"];
  const row = node("tr", {}, ...heads.map((text, at) =>
    node("th", { scope: "col", className: at > 3 ? "more" : "" }, text),
  ));
  box.replaceChildren(node("table", {}, node("thead", {}, row),
    node("tbody", {}, ...rows.map((one) => challenge(one, now)))));
}

function challenge(one, now) {
  const percent = Number(one.distancePercent);
  const level = percent < 1 ? "danger" : percent < 3 ? "warning" : "calm";
  const gauge = node("span", { className: `gauge ${level}`, ariaHidden: "true" }, node("span"));
  gauge.firstChild.style.inlineSize = `${Math.min(100, Math.max(0, percent * 10))}%`;
  const who = [one.challenge?.reference, one.challenge?.client?.name].filter(Boolean);
  const cells = [
    node("th", { scope: "row" }, who[0] ?? "–", node("span", { className: "quiet" }, who[1] ?? "")),
    node("td", {}, words(one.rule)),
    node("td", { className: "number" }, amountOf(one.distance)),
    node("td", { className: "number" }, gauge, `${decimal(one.distancePercent, 2)} %`),
    node("td", { className: "number more" }, amountOf(one.floor)),
    node("td", { className: "number more" }, amountOf(one.equity)),
    node("td", { className: "number more" }, one.nextResetAt ? distance(one.nextResetAt, now) : "–"),
  ];
  return node("tr", {}, ...cells);
}
