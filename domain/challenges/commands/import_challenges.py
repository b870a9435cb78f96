"""Take over challenges that were bought elsewhere, many at once, and their phases' accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from domain.accounts.commands.import_accounts import AccountRecord, import_accounts
from domain.accounts.values import AccountKind
from domain.challenges.commands.begin_phase import begin_phase
from domain.challenges.commands.change_phase import change_phase
from domain.challenges.commands.order_challenge import FIRST_NUMBER as FIRST_ORDER
from domain.challenges.commands.start_challenge import FIRST_NUMBER as FIRST_CHALLENGE
from domain.challenges.events import ChallengeEventKind, order_event, phase_event
from domain.challenges.lifecycle import ChallengeStatus, OrderStatus, PhaseStatus, Price
from domain.challenges.postings import Sale, sold_from
from domain.challenges.queries import lock_phase
from domain.challenges.tables import challenge, challenge_order, challenge_phase
from domain.clients.standing import ClientStanding, find_standings
from domain.payments.ledger.post import post
from tenants.bulk import insert_rows
from tenants.log import Change
from tenants.numbers import next_numbers
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class ChallengeRecord:
    """A challenge as it was bought: `version` is the row of what was sold, `payment_id` the
    imported payment that names `order_id`. `phase_id` is of its first phase."""

    order_id: UUID
    phase_id: UUID
    client_id: UUID
    version: Any
    price: Price
    payment_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """A phase that waits for its account, the account as the platform has it, and since when."""

    phase_id: UUID
    account_id: UUID
    at: datetime


async def import_challenges(work: WriteWork, records: Sequence[ChallengeRecord]) -> None:
    """Add challenges with their paid orders and first phases, which wait for their accounts, in
    the order given; the sales are booked from what was prepaid.

    Effects: events `order_paid` and `challenge_started` each, one line of audit.
    """
    if not records:
        return
    owners = await find_standings(work, (one.client_id for one in records))
    orders = await next_numbers(work, "challenge_order", len(records), start=FIRST_ORDER)
    numbers = await next_numbers(work, "challenge", len(records), start=FIRST_CHALLENGE)
    made = [
        _rows(work, one, owners[one.client_id], f"P-{order}", f"E-{number}")
        for one, order, number in zip(records, orders, numbers, strict=True)
    ]
    for n, table in enumerate((challenge_order, challenge, challenge_phase)):
        await insert_rows(work, table, [rows[n] for rows in made])
    for order, whole, phase in made:
        work.emit(order_event(ChallengeEventKind.ORDER_PAID, SimpleNamespace(**order)))
        started = {"purchase_id": str(order["id"]), "reference": whole["reference"]}
        work.emit(
            phase_event(ChallengeEventKind.CHALLENGE_STARTED, SimpleNamespace(**phase), started)
        )
    after = {"challenges": len(made)}
    work.audit(Change("challenge.import", object_kind="challenge", after=after))
    sales = [Sale(one.order_id, one.client_id, one.price.net, one.price.tax) for one in records]
    await post(work, [await sold_from(work, one, one.prepaid) for one in sales])


async def import_phases(work: WriteWork, records: Sequence[PhaseRecord]) -> None:
    """Give waiting phases their accounts, and begin them at the instants they began.

    Refusals: those of `import_accounts`. Effects: those of it, event `phase_started` each.
    """
    waiting = [(one, await lock_phase(work, one.phase_id)) for one in records]
    accounts = [
        AccountRecord(
            phase.client_id, AccountKind.EVALUATION, phase.currency, phase.leverage,
            one.account_id, one.at,
        )
        for one, phase in waiting
    ]  # fmt: skip
    await import_accounts(work, accounts)
    for one, phase in waiting:
        known = {"account_id": one.account_id}
        await change_phase(work, phase, PhaseStatus.PENDING_ACCOUNT, known)
        begun = await begin_phase(work, one.account_id, at=one.at)
        assert begun, "it waited for this account"


def _rows(
    work: WriteWork, one: ChallengeRecord, owner: ClientStanding, order: str, number: str
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The order, the challenge that it became, and its first phase."""
    version, price, challenge_id = one.version, one.price, work.new_id()
    shared = {
        "brand_id": work.scope.brand_id,
        "client_id": owner.id,
        "ib_path": owner.ib_path,
        "version": 1,
        "created_at": one.at,
        "updated_at": one.at,
    }
    paid = {
        **shared,
        "id": one.order_id,
        "reference": order,
        "status": OrderStatus.PAID,
        "program_version_id": version.id,
        "currency": price.net.currency,
        "net_minor": price.net.amount_minor,
        "tax_minor": price.tax.amount_minor,
        "tax_bps": price.tax_bps,
        "tax_label": price.tax_label,
        "country": owner.country,
        "payment_id": one.payment_id,
        "paid_at": one.at,
    }
    whole = {
        **shared,
        "id": challenge_id,
        "reference": number,
        "status": ChallengeStatus.ACTIVE,
        "order_id": one.order_id,
        "program_id": version.program_id,
        "program_version_id": version.id,
        "program_number": version.number,
        "phase_count": len(version.phases),
        "current_phase_id": one.phase_id,
    }
    phase = {
        **shared,
        "id": one.phase_id,
        "challenge_id": challenge_id,
        "number": 1,
        "name": version.phases[0]["name"],
        "status": PhaseStatus.PENDING_ACCOUNT,
        "currency": version.currency,
        "start_minor": int(version.balance_minor),
        "leverage": version.leverage,
        "rules": version.phases[0]["rules"],
        "events": 0,
        "account_id": None,
    }
    return paid, whole, phase
