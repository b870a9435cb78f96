"""Kills every part of a running installation, thousands of times, and proves that no money moved.

`python -m tests.chaos --kills 10000`: a driver asks for money to be moved, over the API and with
its own journal; servers and workers kill themselves at named points of their transactions; Postgres
is killed, answers are lost, the PSP misbehaves. Then faults stop, everything must come to rest, and
a checker that shares no code with the product compares journal, ledger, events and the books of the
outside worlds. `--plant` breaks something on purpose: the checker must find it.
"""
