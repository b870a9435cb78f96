// Speaks to a Backdesk: typed documents over fetch, subscriptions as server-sent events.
import type { TypedDocumentString } from "./generated/graphql.js";

export interface UserError {
  code: string;
  message: string;
  path: string[];
}

/** A refusal that a person can do something about; `code` is stable. */
export class Refused extends Error {
  constructor(readonly errors: readonly UserError[]) {
    super(errors.map((error) => error.message).join(" "));
  }
}

export interface Settings {
  /** The GraphQL address. */
  url: string;
  /** The brand's publishable key: for whoever has not signed in. */
  key: string;
}

export class Backdesk {
  private token: string | null = null;

  constructor(private readonly settings: Settings) {}

  /** From now on everything is asked as this client. */
  signedIn(token: string): void {
    this.token = token;
  }

  /** The data of a query or mutation. Throws when the server refuses the operation as a whole. */
  async ask<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    const answer = await this.send(document, variables, "application/json");
    const body = (await answer.json()) as { data?: Data; errors?: { message: string }[] };
    if (body.errors || !body.data) throw new Error(body.errors?.[0]?.message ?? "no answer");
    return body.data;
  }

  /** The items of a subscription, until `stop` is aborted or the connection ends. */
  async *follow<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
    stop: AbortSignal,
  ): AsyncGenerator<Data> {
    const answer = await this.send(document, variables, "text/event-stream", stop);
    if (!answer.ok || !answer.body) throw new Error(`status ${answer.status}`);
    const text = answer.body.pipeThrough(new TextDecoderStream());
    let rest = "";
    for await (const chunk of text as unknown as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const data = line.startsWith("data:") ? line.slice(5).trim() : "";
        if (data) yield (JSON.parse(data) as { data: Data }).data;
      }
    }
  }

  private send(document: unknown, variables: unknown, accept: string, stop?: AbortSignal) {
    const who: Record<string, string> = this.token
      ? { Authorization: `Bearer ${this.token}` }
      : { "Backdesk-Key": this.settings.key };
    return fetch(this.settings.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: accept, ...who },
      body: JSON.stringify({ query: String(document), variables }),
      ...(stop ? { signal: stop } : {}),
    });
  }
}

/** What a payload holds, or its refusal thrown. */
export function done<Payload extends { errors: UserError[] }>(payload: Payload): Payload {
  if (payload.errors.length > 0) throw new Refused(payload.errors);
  return payload;
}
