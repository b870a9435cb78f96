// What a client does in a portal, step by step; no page and no framework in it.
import { Backdesk, done } from "./backdesk.js";
import * as api from "./generated/graphql.js";

export interface SignUp {
  name: string;
  email: string;
  password: string;
  country: string;
}

export class Portal {
  constructor(private readonly backdesk: Backdesk) {}

  /** Ask to become a client: a mail with a token follows, whoever asks. */
  async signUp(form: SignUp): Promise<void> {
    done((await this.backdesk.ask(api.RegisterDocument, { input: form })).clientRegister);
  }

  /** The link of the mail: the address is proven and the client signed in. */
  async verify(token: string): Promise<void> {
    const { emailVerify } = await this.backdesk.ask(api.VerifyDocument, { token });
    this.enter(done(emailVerify).tokens);
  }

  async signIn(email: string, password: string): Promise<void> {
    const input = { email, password };
    const { sessionCreate } = await this.backdesk.ask(api.SignInDocument, { input });
    this.enter(done(sessionCreate).tokens);
  }

  /** The client with its wallets and accounts. */
  async me() {
    const { viewer } = await this.backdesk.ask(api.MeDocument, {});
    if (!viewer?.client) throw new Error("Sign in first.");
    return viewer.client;
  }

  /** Begin to prove who the client is; the vendor's page for it. */
  async prove(returnUrl: string): Promise<string> {
    const input = { requirement: "IDENTITY", returnUrl };
    return until(async () => {
      const { kycCaseSubmit } = await this.backdesk.ask(api.ProveDocument, { input });
      const next = done(kycCaseSubmit).case?.next;
      return next?.__typename === "RedirectStep" ? next.url : null;
    });
  }

  /** What becomes of proofs, live; the feed begins with a heartbeat. */
  async *proofs(stop: AbortSignal) {
    for await (const { complianceEvents } of this.backdesk.follow(api.ProofsDocument, {}, stop)) {
      yield complianceEvents;
    }
  }

  /** Begin a deposit by card; the page on which it is paid, and its id. */
  async deposit(amount: string, currencyCode: string, returnUrl: string) {
    const money = { amount, currencyCode };
    const { paymentMethods } = await this.backdesk.ask(api.MethodsDocument, { amount: money });
    const card = paymentMethods.find((one) => one.method?.kind === "CARD" && one.available)?.method;
    if (!card) throw new Error("No card takes that amount.");
    const input = { idempotencyKey: crypto.randomUUID(), methodId: card.id, amount: money, returnUrl };
    const { deposit } = done((await this.backdesk.ask(api.DepositDocument, { input })).depositCreate);
    if (!deposit) throw new Error("A deposit without errors is there.");
    return { id: deposit.id, page: await this.pageOf(deposit.id) };
  }

  /** What becomes of deposits, live; the feed begins with a heartbeat. */
  async *deposits(stop: AbortSignal) {
    for await (const { depositEvents } of this.backdesk.follow(api.DepositsDocument, {}, stop)) {
      yield depositEvents;
    }
  }

  /** A live account, once the platform has opened it. */
  async openAccount(currencyCode: string): Promise<string> {
    const input = { idempotencyKey: crypto.randomUUID(), kind: "LIVE" as const, currencyCode, leverage: 30 };
    const { account } = done((await this.backdesk.ask(api.OpenAccountDocument, { input })).accountOpen);
    if (!account) throw new Error("An account without errors is there.");
    return until(async () => {
      const found = (await this.me()).accounts.nodes.find((one) => one.id === account.id);
      return found?.status === "ACTIVE" ? found.id : null;
    });
  }

  /** Money from the wallet onto an account. */
  async fund(accountId: string, amount: string, currencyCode: string): Promise<void> {
    const wallet = (await this.me()).wallets.find((one) => one.currencyCode === currencyCode);
    if (!wallet) throw new Error(`There is no wallet in ${currencyCode}.`);
    const input = {
      idempotencyKey: crypto.randomUUID(),
      from: { walletId: wallet.id },
      to: { accountId },
      amount: { amount, currencyCode },
    };
    done((await this.backdesk.ask(api.FundDocument, { input })).transferCreate);
  }

  async buy(accountId: string, symbol: string, lots: string) {
    const input = { idempotencyKey: crypto.randomUUID(), accountId, symbol, side: "BUY" as const, lots };
    return done((await this.backdesk.ask(api.OrderDocument, { input })).orderPlace).order;
  }

  /** Balance and equity as the market moves: always the newest. */
  async *equity(accountId: string, stop: AbortSignal) {
    const variables = { accounts: [accountId] };
    for await (const { accountStates } of this.backdesk.follow(api.EquityDocument, variables, stop)) {
      yield accountStates;
    }
  }

  private enter(tokens: { accessToken: string } | null | undefined): void {
    if (!tokens) throw new Error("A session without errors has tokens.");
    this.backdesk.signedIn(tokens.accessToken);
  }

  private pageOf(id: string): Promise<string> {
    return until(async () => {
      const { node } = await this.backdesk.ask(api.DepositNowDocument, { id });
      const next = node?.__typename === "Deposit" ? node.next : null;
      return next?.__typename === "RedirectStep" ? next.url : null;
    });
  }
}

/** What `look` finds, once it finds something. */
export async function until<Found>(look: () => Promise<Found | null>, ms = 60_000): Promise<Found> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("It took too long.");
}
