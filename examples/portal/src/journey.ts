// The same portal without a page: a client's first day against a demo server, from its demo.json
// (BACKDESK_DEMO). Prints each step; the process fails when one does.
import { Backdesk } from "./backdesk.js";
import { Portal, until } from "./portal.js";

declare const process: { env: Record<string, string | undefined>; exit(code: number): never };
const { readFile, readdir } = (await import("node:fs/promises" as string)) as {
  readFile(path: string, encoding: "utf8"): Promise<string>;
  readdir(path: string): Promise<string[]>;
};

const demo = process.env["BACKDESK_DEMO"] ?? "../../.backdesk/demo.json";
const told = JSON.parse(await readFile(demo, "utf8")) as {
  graphql: string;
  brands: { slug: string; publishable_key: string }[];
};
// A brand that takes money only from whom it knows; see `Client.kyc`.
const key = told.brands.find((brand) => brand.slug === "aurora")?.publishable_key ?? "";
const portal = new Portal(new Backdesk({ url: told.graphql, key }));
const stop = new AbortController();
const late = setTimeout(() => fail("The journey takes too long."), 180_000);

function fail(why: unknown): never {
  console.log("FAIL ", why);
  return process.exit(1);
}

/** The token in the mail to an address: development mails lie in the home's outbox. */
function mailedToken(address: string): Promise<string> {
  const outbox = demo.replace(/demo\.json$/, "outbox");
  return until(async () => {
    for (const name of await readdir(outbox).catch(() => [])) {
      const mail = (await readFile(`${outbox}/${name}`, "utf8")).replaceAll("=\n", "").replaceAll("=3D", "=");
      const found = /bk_verify_[0-9a-f]{32}_[0-9a-f]{32}_[\w-]{43}/.exec(mail);
      if (found && mail.includes(address)) return found[0];
    }
    return null;
  });
}

/** Press the button of a sandbox's page, as a browser would. */
async function press(page: string, fields: Record<string, string>): Promise<void> {
  const html = await (await fetch(page)).text();
  const token = /name="token" value="([^"]+)"/.exec(html)?.[1] ?? "";
  const body = new URLSearchParams({ token, ...fields });
  const answer = await fetch(page, { method: "POST", body, redirect: "manual" });
  if (answer.status !== 303) throw new Error(`${page} answered ${answer.status}`);
}

async function journey(): Promise<void> {
  const email = `pia.${Date.now()}@portal.example`;
  const form = { name: "Pia Portal", email, password: "quiet harbour 71", country: "CY" };
  await portal.signUp(form);
  await portal.verify(await mailedToken(email));
  await portal.signIn(email, form.password);
  console.log("ok    signed up, verified by mail, signed in:", (await portal.me()).status);

  const proofs = portal.proofs(stop.signal);
  await proofs.next(); // the heartbeat it begins with
  await press(await portal.prove("https://aurora.localhost/proven"), { person: "approve" });
  for await (const item of proofs) {
    if (item.__typename === "ComplianceEvent" && item.kind === "TIER_CHANGED") break;
  }
  const { kyc } = await portal.me();
  if (kyc.tier !== 1) throw new Error(`tier ${kyc.tier}, ${kyc.status}`);
  console.log("ok    proven at the vendor's page, heard live: tier", kyc.tier);

  const events = portal.deposits(stop.signal);
  await events.next(); // the heartbeat it begins with
  const deposit = await portal.deposit("500", "EUR", "https://aurora.localhost/paid");
  await press(deposit.page, { card: "4242 4242 4242 4242", action: "pay" });
  for await (const item of events) {
    if (item.__typename === "DepositEvent" && item.depositId === deposit.id && item.kind === "SETTLED") break;
  }
  const [wallet] = (await portal.me()).wallets;
  if (wallet?.available.amount !== "500.00") throw new Error(`the wallet has ${wallet?.available.amount}`);
  console.log("ok    deposited 500.00 EUR by card, heard live");

  const account = await portal.openAccount("EUR");
  await portal.fund(account, "300", "EUR");
  let states = 0;
  for await (const state of portal.equity(account, stop.signal)) {
    if (state.balance.amount === "0.00") continue;
    if (states === 0) await portal.buy(account, "EURUSD", "0.05");
    states += 1;
    if (states < 4) console.log("ok    equity", state.equity.amount, state.equity.currencyCode, state.asOf);
    if (states === 4) break;
  }
}

await journey().catch(fail);
clearTimeout(late);
stop.abort();
console.log("5 of 5");
process.exit(0);
