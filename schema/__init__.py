"""The counter: the API's types, queries, mutations and subscriptions per context. No SQL, no rules."""
