// A front end in types only: what `tsc --strict` accepts here, a portal can rely on.
import { ApolloClient } from "@apollo/client/core";
import { Client as UrqlClient } from "@urql/core";
import {
  AccountEventsDocument,
  AccountStatesDocument,
  ClientPageDocument,
  ClientsDocument,
  SessionCreateDocument,
  ViewerDocument,
} from "../generated/graphql";

export async function clientNames(apollo: ApolloClient): Promise<string[]> {
  const { data } = await apollo.query({ query: ClientsDocument, variables: { first: 10 } });
  const more: boolean | undefined = data?.clients.pageInfo.hasNextPage;
  return (data?.clients.nodes ?? []).map((client) => `${client.name ?? "?"} ${more}`);
}

export async function pageOf(apollo: ApolloClient, id: string): Promise<string> {
  const { data } = await apollo.query({ query: ClientPageDocument, variables: { id } });
  return data?.node?.__typename === "Client" ? data.node.reference : "not a client";
}

export async function signIn(urql: UrqlClient, email: string, password: string) {
  const { data } = await urql.mutation(SessionCreateDocument, { input: { email, password } });
  const codes = data?.sessionCreate.errors.map((error) => error.code) ?? [];
  return codes.length === 0;
}

export function follow(apollo: ApolloClient, after: string | null): void {
  apollo.subscribe({ query: AccountEventsDocument, variables: { after } }).subscribe(({ data }) => {
    const item = data?.accountEvents;
    if (item?.__typename === "FeedHeartbeat") console.log(item.cursor, item.occurredAt);
  });
}

export function watch(apollo: ApolloClient, accountIds: string[]): void {
  const query = AccountStatesDocument;
  apollo.subscribe({ query, variables: { accountIds } }).subscribe(({ data }) => {
    const amount: string | undefined = data?.accountStates.equity.amount;
    console.log(amount);
  });
}

export async function kindOfViewer(urql: UrqlClient): Promise<string | undefined> {
  const { data } = await urql.query(ViewerDocument, {});
  return data?.viewer?.actor?.__typename;
}

// What a front end must not get away with.
export async function mistakes(apollo: ApolloClient): Promise<void> {
  // @ts-expect-error a required variable is missing
  await apollo.query({ query: ClientPageDocument, variables: {} });
  // @ts-expect-error a page size is a number
  await apollo.query({ query: ClientsDocument, variables: { first: "10" } });
  const { data } = await apollo.query({ query: ClientsDocument, variables: {} });
  // @ts-expect-error what was not selected is not there
  console.log(data?.clients.nodes[0]?.email);
}
