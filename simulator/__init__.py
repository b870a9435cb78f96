"""A trading platform of our own that stands outside Backdesk, as a vendor's server would.

It has its own process, Postgres schema, role and transactions, and is reached only through the
published "bridge" wire (`docs/bridge.openapi.yaml`). It promises: what it acknowledged is in its
database; an operation id is applied once; deals are never changed and their ids only grow; the
market is a recording of real prices or a seeded series, so that anybody can check any price.
"""
