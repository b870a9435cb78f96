// The page: who signs in, when figures are asked for again, what is said when something fails.

import { ask, brandOfHost, keep, signIn, signOut, token } from "./api.js";
import * as events from "./events.js";
import { follow } from "./feed.js";
import * as figures from "./figures.js";
import { setZone } from "./format.js";

const CALM_MS = 300; // events of one transaction come together: one question for all of them
const EQUITY_MS = 5_000; // equity moves without an event
const WHOLE_MS = 60_000;
const VIEWER = "{ viewer { name actorType permissions } brand { name timeZone } }";
const byId = (id) => document.getElementById(id);
const LINK = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting" };

let stop = () => {};

function show(isBoard, problem = "") {
  byId("board").hidden = !isBoard;
  byId("sign-in").hidden = isBoard;
  byId("gate-problem").textContent = isBoard ? "" : problem;
  document.title = isBoard ? document.title : "Backdesk board";
}

function leave(problem = "") {
  stop();
  stop = () => {};
  signOut();
  show(false, problem);
  byId("token").focus();
}

/** The board of whoever holds the tab's token. Throws a Problem when it does not hold. */
async function open() {
  const { viewer, brand } = await ask(VIEWER);
  const may = (permission) => viewer?.permissions.includes(permission) ?? false;
  if (!brand || !may("dashboard:read")) {
    keep(null);
    throw new Error("That token is good, but not for the board: it takes a brand's staff.");
  }
  setZone(brand.timeZone);
  byId("brand-name").textContent = brand.name;
  byId("viewer").textContent = viewer.name;
  document.title = `${brand.name} · Board`;
  figures.clear();
  events.clear();
  show(true);
  stop = keepFresh(may);
}

/** Asks for figures as they change: after events, as equity moves, at the end of the day. */
function keepFresh(may) {
  const document_ = figures.documentFor(may);
  const wanted = new Set();
  let timer, asking = false, stopped = false, tries = 0, midnight;

  function want(names, wait = CALM_MS) {
    names.forEach((name) => wanted.add(name));
    if (!asking && !stopped) timer ??= setTimeout(question, wait);
  }

  async function question() {
    timer = undefined;
    if (!wanted.size || stopped) return;
    const names = [...wanted];
    wanted.clear();
    asking = true;
    let pause = CALM_MS;
    try {
      const which = Object.fromEntries(figures.NAMES.map((name) => [name, names.includes(name)]));
      const { dashboard } = await ask(document_, which);
      if (stopped) return;
      figures.draw(dashboard);
      dayEnds(dashboard);
      byId("problem").textContent = "";
      tries = 0;
    } catch (problem) {
      if (stopped) return;
      if (problem.kind === "session") return leave(problem.message);
      names.forEach((name) => wanted.add(name));
      byId("problem").textContent = `${problem.message} These figures may be old; trying again.`;
      pause = Math.max(problem.wait ?? 0, Math.min(15_000, 500 * 2 ** tries++));
    } finally {
      asking = false;
    }
    if (wanted.size) want([], pause);
  }

  function dayEnds({ asOf, dayEndsAt }) {
    clearTimeout(midnight);
    const left = Date.parse(dayEndsAt) - Date.parse(asOf);
    midnight = setTimeout(() => want(figures.NAMES), Math.min(left + 500, 2 ** 31 - 1));
  }

  const unfollow = follow(events.feedsFor(may), {
    state(text) {
      byId("link").dataset.state = text;
      byId("link-text").textContent = LINK[text];
      if (text === "live") want(figures.NAMES, 0);
    },
    event(feed, item) {
      events.add(feed, item);
      want(events.touches(feed, item));
    },
    lost(feed) {
      events.gap(feed);
      want(figures.NAMES);
    },
    ended: (problem) => leave(problem.message),
  });
  const seen = () => document.visibilityState === "visible";
  const equity = setInterval(() => seen() && want(["challenges"]), EQUITY_MS);
  const whole = setInterval(() => want(figures.NAMES), WHOLE_MS);
  want(figures.NAMES, 0);
  return () => {
    stopped = true;
    unfollow();
    [timer, midnight].forEach(clearTimeout);
    [equity, whole].forEach(clearInterval);
  };
}

/** A form whose button waits for its work; what fails is said above it. */
function onSubmit(form, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await work();
      await open();
      form.reset();
      byId("main").focus();
    } catch (problem) {
      if (problem.kind !== "away") keep(null);
      byId("gate-problem").textContent = problem.message;
    } finally {
      button.disabled = false;
    }
  });
}

onSubmit(byId("token-form"), async () => {
  const typed = byId("token").value.trim();
  if (!/^bk_[\x21-\x7e]+$/.test(typed)) throw new Error("A token begins with bk_ and has no spaces.");
  keep({ token: typed });
});
onSubmit(byId("password-form"), () => signIn(byId("email").value, byId("password").value));
byId("sign-out").addEventListener("click", () => leave());
byId("pause").addEventListener("click", () => events.setPaused(!events.isPaused()));

try {
  const brand = await brandOfHost();
  if (brand) {
    byId("gate-brand").textContent = `Sign in to see the board of ${brand.name}.`;
    byId("password-form").hidden = false;
  }
} catch {
  // A token will do; what is wrong shows when it is used.
}

/** The session that a reload left here; a server that is away is asked again. */
async function resume() {
  if (!token()) return show(false);
  try {
    await open();
  } catch (problem) {
    show(false, problem.message);
    if (problem.kind === "away") setTimeout(resume, 3_000);
    else keep(null);
  }
}
await resume();
