// The page: one form after another, then money and equity, live.
import { Backdesk, Refused } from "./backdesk.js";
import { Portal } from "./portal.js";

const told = new URLSearchParams(location.search);
const portal = new Portal(
  new Backdesk({ url: told.get("url") ?? "http://localhost:8000/graphql", key: told.get("key") ?? "" }),
);
const stop = new AbortController();
const find = <E extends HTMLElement>(id: string) => document.getElementById(id) as E;

function on(form: string, act: (fields: Record<string, string>) => Promise<void>): void {
  find<HTMLFormElement>(form).addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target as HTMLFormElement)) as Record<string, string>;
    find("said").textContent = "…";
    act(fields).then(
      () => (find("said").textContent = "Done."),
      (error: unknown) => {
        const codes = error instanceof Refused ? error.errors.map((one) => one.code).join(", ") : "";
        find("said").textContent = `${error instanceof Error ? error.message : error} ${codes}`;
      },
    );
  });
}

async function show(): Promise<void> {
  const me = await portal.me();
  find("who").textContent = `${me.name}, ${me.status.toLowerCase()}`;
  find("proven").textContent = me.kyc.missing.map((one) => `${one.title}: ${one.how}`).join(" ");
  find("wallets").textContent = me.wallets
    .map((one) => `${one.available.amount} ${one.currencyCode}`)
    .join(" · ");
}

async function watch(): Promise<void> {
  await show();
  void showAfter(portal.deposits(stop.signal));
  void showAfter(portal.proofs(stop.signal));
}

async function showAfter(feed: AsyncIterable<{ __typename: string }>): Promise<void> {
  for await (const item of feed) if (item.__typename.endsWith("Event")) await show();
}

on("sign-up", ({ name = "", email = "", password = "", country = "" }) =>
  portal.signUp({ name, email, password, country }),
);
on("verify", async ({ token = "" }) => {
  await portal.verify(token.trim());
  void watch();
});
on("sign-in", async ({ email = "", password = "" }) => {
  await portal.signIn(email, password);
  void watch();
});
on("prove", async () => {
  window.open(await portal.prove(location.href), "_blank", "noopener");
});
on("deposit", async ({ amount = "", currency = "" }) => {
  const { page } = await portal.deposit(amount, currency, location.href);
  window.open(page, "_blank", "noopener");
});
on("trade", async ({ amount = "", currency = "" }) => {
  const account = await portal.openAccount(currency);
  await portal.fund(account, amount, currency);
  void (async () => {
    for await (const state of portal.equity(account, stop.signal)) {
      find("equity").textContent = `${state.equity.amount} ${state.equity.currencyCode}`;
    }
  })();
});
