"""Double entry: accounts, transfers and postings that are only ever added.

`ledger.post` (SQL: `alembic/versions/0023_quicker_posting.py` for one transfer between two
accounts, `0008_posting.py` for all else) is the only writer. Credits are positive: what we owe a
client is above zero, what a PSP owes us below. A transfer sums to zero in each currency, to the
last minor unit.
"""
