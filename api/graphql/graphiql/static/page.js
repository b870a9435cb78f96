// The page's own part: queries and mutations by POST, subscriptions over graphql-transport-ws.
// What stands in the Headers tab (Authorization, Backdesk-Key) is sent either way.
"use strict";

const endpoint = new URL(window.location.href);
endpoint.search = "";
endpoint.hash = "";
const socketUrl = new URL(endpoint);
socketUrl.protocol = endpoint.protocol === "https:" ? "wss:" : "ws:";

const QUERY = `# Put {"Authorization": "Bearer <your token>"} into the Headers tab below;
# then "Re-fetch GraphQL schema" on the left shows the documentation.
query Who {
  __typename
}
`;

async function single(params, headers) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      Accept: "application/graphql-response+json, application/json",
      "Content-Type": "application/json",
      ...headers,
    },
    body: JSON.stringify(params),
  });
  return response.json();
}

function stream(params, headers) {
  const client = graphqlWs.createClient({
    url: socketUrl.href,
    connectionParams: headers,
    retryAttempts: 0,
  });
  return client.iterate(params);
}

function kindOf(params, documentAST) {
  const operations = documentAST.definitions.filter((node) => node.kind === "OperationDefinition");
  const chosen = operations.find((node) => node.name?.value === params.operationName);
  return (chosen ?? operations[0])?.operation;
}

function fetcher(params, options = {}) {
  const headers = options.headers ?? {};
  const isStream = options.documentAST && kindOf(params, options.documentAST) === "subscription";
  return isStream ? stream(params, headers) : single(params, headers);
}

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: QUERY,
    defaultHeaders: "{}",
    defaultEditorToolsVisibility: "headers",
    shouldPersistHeaders: false,
  }),
);
