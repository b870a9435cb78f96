"""Racing debits leave no wallet under its floor. `python -m bench ledger-race` runs a million."""

import pytest

from bench.race import Plan, Race


@pytest.mark.slow
async def test_thousands_of_racing_debits_leave_no_wallet_under_its_floor(database, brand):
    plan = Plan(debits=4_000, wallets=100, connections=4, batch=20)
    outcome = await Race(database, brand.id, plan).run()
    assert outcome.taken + outcome.refused == 4_000
    assert outcome.refused > 100, "every wallet came to its floor"
    assert (outcome.under_floor, outcome.wrong_balances, outcome.findings) == (0, 0, ())
