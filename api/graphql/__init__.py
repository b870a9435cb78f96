"""The GraphQL edge: HTTP, WebSocket and SSE in front of one `ExecutableSchema`.

Built from Strawberry's parts (its schema, its graphql-transport-ws handler, its SSE transport) with
the repairs that the outside suites of `conformance/` ask for. It decides how much may be asked, in
which form answers travel and which errors are shown; it knows no brand, no table and no rule.
Who asks comes from the `context_factory` it is given; see `api.graphql.context`.
"""
