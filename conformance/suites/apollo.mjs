// Apollo Client 4: its HTTP link, its cache, its WebSocket link, its error classes.
import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from "@apollo/client/core/index.js";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions/index.js";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { assert, bearer, operation, suite, tokens, url, ws } from "./common.mjs";

const client = new ApolloClient({
  link: new HttpLink({ uri: url, headers: bearer(tokens.brand_admin) }),
  cache: new InMemoryCache(),
});
const sockets = new ApolloClient({
  link: new GraphQLWsLink(
    createClient({
      url: ws,
      webSocketImpl: WebSocket,
      connectionParams: bearer(tokens.client),
    }),
  ),
  cache: new InMemoryCache(),
});

await suite({
  "a page and the next, kept in the cache": async () => {
    const query = gql(operation("Clients"));
    const { data } = await client.query({ query, variables: { first: 2 } });
    assert.equal(data.clients.nodes.length, 2);
    const after = data.clients.pageInfo.endCursor;
    const next = await client.query({ query, variables: { first: 2, after } });
    assert.notEqual(next.data.clients.nodes[0]?.id, data.clients.nodes[0].id);
    const [{ id, __typename }] = data.clients.nodes;
    const cached = client.cache.readFragment({
      id: `${__typename}:${id}`,
      fragment: gql`fragment R on Client { reference }`,
    });
    assert.equal(cached.reference, data.clients.nodes[0].reference);
  },
  "a node by its id": async () => {
    const page = await client.query({ query: gql(operation("Clients")), variables: { first: 1 } });
    const { id } = page.data.clients.nodes[0];
    const { data } = await client.query({ query: gql(operation("ClientPage")), variables: { id } });
    assert.deepEqual([data.node.__typename, data.node.id], ["Client", id]);
  },
  "an error with its code": async () => {
    await assert.rejects(client.query({ query: gql`{ nope }` }), (error) => {
      assert.ok(CombinedGraphQLErrors.is(error), String(error));
      assert.equal(error.errors[0].extensions.code, "BAD_USER_INPUT");
      return true;
    });
  },
  "a mutation refused in its payload": async () => {
    const variables = { input: { email: "nobody@example.com", password: "wrong-password" } };
    const mutation = gql(operation("SessionCreate"));
    const { data } = await client.mutate({ mutation, variables });
    assert.ok(data.sessionCreate.errors.length >= 1);
  },
  "a feed over a socket": async () => {
    const query = gql(operation("AccountEvents"));
    const result = await new Promise((resolve, reject) => {
      sockets.subscribe({ query }).subscribe({ next: resolve, error: reject });
    });
    assert.equal(result.data.accountEvents.__typename, "FeedHeartbeat");
  },
});
