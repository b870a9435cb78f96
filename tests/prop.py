"""Rows of challenges, inserted as the owner: for tests that only look at them.

What commands and the engine leave behind is tested over `tests.domain.challenges.firm`; here is one
of everything that the API shows of challenges, with a mark in each text.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.challenges.rules import begin, evaluate
from domain.challenges.snapshot import dump_event, dump_rules, dump_state, dump_verdict
from domain.challenges.tables import (
    breach,
    challenge,
    challenge_order,
    challenge_phase,
    liquidation_breaker,
    phase_event,
    program,
    program_version,
    purchase_tax,
)
from domain.challenges.values import DailyLoss, EquitySampled, FloorBroken, RuleSet
from domain.kernel.ids import new_uuid
from tests.domain.challenges.steps import percent
from tests.factories import Account, Brand, Client, Factory

RULES = RuleSet(profit_target=percent("10"), daily_loss=DailyLoss(percent("5")))
START = 100_000_00


@dataclass(frozen=True)
class Shop:
    """A program of a brand, and the version of it that is sold."""

    brand: Brand
    program_id: UUID
    version_id: UUID


def open_shop(make: Factory, brand: Brand, *, mark: str = "") -> Shop:
    """A program on sale, a tax, and a breaker that has tripped."""
    made, now = Shop(brand, new_uuid(), new_uuid()), datetime.now(UTC)
    make.insert(
        program, brand, id=made.program_id, code=f"two-step{mark}", name=f"Two step {mark}",
        status="OPEN", version=1, created_at=now,
    )  # fmt: skip
    make.insert(
        program_version, brand, id=made.version_id, program_id=made.program_id, number=1,
        name=f"Two step {mark}", currency="USD", balance_minor=START, price_minor=500_00,
        leverage=100, phases=[{"name": f"Phase {mark}", "rules": dump_rules(RULES)}],
        published_at=now, published_by=None,
    )  # fmt: skip
    make.insert(purchase_tax, brand, country="CY", label=f"VAT {mark}", bps=1_900, updated_at=now)
    make.insert(
        liquidation_breaker, brand, halted_at=now, reason=f"Odd prices {mark}", resumed_at=None,
        resumed_by=None,
    )  # fmt: skip
    return made


def sell(make: Factory, shop: Shop, client: Client, account: Account, *, mark: str = "") -> UUID:
    """A challenge that was bought and failed on the account, with the evidence; its id."""
    now = datetime.now(UTC)
    order_id, challenge_id, phase_id = new_uuid(), new_uuid(), new_uuid()
    whose = {"client_id": client.id, "ib_path": client.ib_path}
    make.insert(
        challenge_order, client, id=order_id, reference=f"P-{order_id.hex[-9:]}{mark}",
        status="PAID", version=2, program_version_id=shop.version_id, currency="USD",
        net_minor=500_00, tax_minor=95_00, tax_bps=1_900, tax_label=f"VAT {mark}", country="CY",
        reason_code=mark or None, created_at=now, updated_at=now, paid_at=now, **whose,
    )  # fmt: skip
    make.insert(
        challenge, client, id=challenge_id, reference=f"E-{order_id.hex[-9:]}{mark}",
        status="FAILED", version=1, order_id=order_id, program_id=shop.program_id,
        program_version_id=shop.version_id, program_number=1, phase_count=1,
        current_phase_id=phase_id, created_at=now, updated_at=now, **whose,
    )  # fmt: skip
    before = replace(begin(RULES, start_minor=START, at=now), sequence=0)
    tick = EquitySampled(now + timedelta(seconds=1), START, 94_000_00)
    state, verdicts = evaluate(RULES, before, tick)
    (verdict,) = verdicts
    assert isinstance(verdict, FloorBroken)
    make.insert(
        challenge_phase, client, id=phase_id, challenge_id=challenge_id, number=1,
        name=f"Phase {mark}", status="FAILED", version=3, currency="USD", start_minor=START,
        leverage=100, rules=dump_rules(RULES), state=dump_state(state), events=1,
        account_id=account.id, server_id=account.server_id, login=account.login,
        reason_code=mark or None, closing="DISABLED", created_at=now, started_at=now,
        ended_at=now, updated_at=now, **whose,
    )  # fmt: skip
    make.insert(
        phase_event, client, phase_id=phase_id, n=1, at=tick.at, event=dump_event(tick),
        verdicts=[dump_verdict(verdict)], **whose,
    )  # fmt: skip
    price = {
        "symbol": f"EURUSD{mark}", "bid": "1.07900", "ask": "1.07902", "source": "RECORDED",
        "at": now.isoformat(), "recorded_at": now.isoformat(),
    }  # fmt: skip
    position = {
        "ticket": f"7{mark}", "symbol": "EURUSD", "side": "BUY", "lots": "10",
        "open_price": "1.085",
    }  # fmt: skip
    make.insert(
        breach, client, id=new_uuid(), challenge_id=challenge_id, phase_id=phase_id,
        account_id=account.id, n=1, rule=verdict.rule, zone=verdict.zone, day=verdict.day,
        currency="USD", floor_minor=verdict.floor_minor, equity_minor=verdict.equity_minor,
        balance_minor=verdict.balance_minor, anchor_minor=verdict.anchor_minor,
        peak_minor=verdict.peak_minor, at=verdict.at, seen_at=verdict.seen_at,
        source=verdict.source, prices=[price], positions=[position], second_prices=[price],
        suspicion=f"It moved {mark}", verified_at=now, disabled_at=now, created_at=now, **whose,
    )  # fmt: skip
    return challenge_id
