"""GraphQL over the domain: types, queries, mutations, subscriptions. Thin; see `root`."""
