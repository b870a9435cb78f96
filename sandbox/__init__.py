"""Vendors of our own that stand outside Backdesk, as real ones would: a PSP, and others later.

They have their own process, Postgres schema, role and transactions, and are reached only over
their published wire (`docs/psp.openapi.yaml`). They promise: what they acknowledged is in their
database; an idempotency key is applied once; a notice is sent until it is taken, through restarts.
And they fail on demand, seeded, so that the other side can be tested.
"""
