"""What a paid order becomes: a challenge, and its phases one after another."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from domain.accounts.commands.open_account import open_account
from domain.accounts.rules import OpenWish
from domain.accounts.values import AccountKind
from domain.challenges.commands.change_phase import change_phase
from domain.challenges.events import ChallengeEventKind, phase_event
from domain.challenges.lifecycle import ChallengeStatus, OrderStatus, PhaseStatus
from domain.challenges.queries import (
    find_version,
    lock_challenge_of,
    lock_order,
    lock_phase,
)
from domain.challenges.tables import challenge, challenge_phase
from domain.kernel.errors import Refused
from domain.kernel.money import from_minor
from tenants.numbers import next_number
from tenants.work import WriteWork

FIRST_NUMBER = 100_001


async def start_challenge(work: WriteWork, order_id: UUID) -> UUID | None:
    """Make the challenge of a paid order, and ask for the account of its first phase; the
    challenge's id, or None when there was one before or the order is not paid any more.

    Effects: event `challenge_started` and those of `ask_account`.
    """
    # Locked, so that whoever gives it back meanwhile finds the challenge that there is to end.
    order = await lock_order(work, order_id)
    assert order is not None, "what was paid for is kept"
    known = await lock_challenge_of(work, order_id)
    if order.status != OrderStatus.PAID or known is not None:
        return None
    version = await find_version(work, order.program_version_id)
    number = await next_number(work, "challenge", start=FIRST_NUMBER)
    row = await work.one(
        insert(challenge)
        .values(
            brand_id=work.scope.brand_id,
            id=work.new_id(),
            client_id=order.client_id,
            ib_path=order.ib_path,
            reference=f"E-{number}",
            status=ChallengeStatus.ACTIVE,
            version=1,
            order_id=order.id,
            program_id=version.program_id,
            program_version_id=version.id,
            program_number=version.number,
            phase_count=len(version.phases),
            created_at=work.now(),
            updated_at=work.now(),
        )
        .returning(challenge)
    )
    phase_id = await add_phase(work, row, version, 1)
    phase = await lock_phase(work, phase_id)
    started = {"purchase_id": str(order.id), "reference": row.reference}
    work.emit(phase_event(ChallengeEventKind.CHALLENGE_STARTED, phase, started))
    await ask_account(work, phase)
    return UUID(str(row.id))


async def add_phase(work: WriteWork, row: Any, version: Any, number: int) -> UUID:
    """Add the `number`th phase with its own copy of the rules; its id. It waits for its account."""
    sold = version.phases[number - 1]
    phase_id = work.new_id()
    await work.rows(
        insert(challenge_phase).values(
            brand_id=work.scope.brand_id,
            id=phase_id,
            client_id=row.client_id,
            ib_path=row.ib_path,
            challenge_id=row.id,
            number=number,
            name=sold["name"],
            status=PhaseStatus.PENDING_ACCOUNT,
            version=1,
            currency=version.currency,
            start_minor=version.balance_minor,
            leverage=version.leverage,
            rules=sold["rules"],
            events=0,
            created_at=work.now(),
            updated_at=work.now(),
        )
    )
    await work.rows(
        update(challenge)
        .where(challenge.c.brand_id == work.scope.brand_id, challenge.c.id == row.id)
        .values(current_phase_id=phase_id)
    )
    return phase_id


async def ask_account(work: WriteWork, phase: Any) -> bool:
    """Ask the platform for the phase's account; False when it may not be opened just now, which is
    kept as the phase's reason and tried again by a round.

    Effects: event `open_requested` (accounts), or `account_refused` when the reason is new.
    """
    wish = OpenWish(
        AccountKind.EVALUATION,
        phase.currency,
        leverage=phase.leverage,
        initial_balance=from_minor(int(phase.start_minor), phase.currency),
    )
    try:
        opened = await open_account(work, phase.client_id, wish)
    except Refused as refused:
        if phase.reason_code != refused.code:
            changed = {"reason_code": refused.code}
            told = ChallengeEventKind.ACCOUNT_REFUSED
            waiting = PhaseStatus.PENDING_ACCOUNT
            await change_phase(work, phase, waiting, changed, told=told, more=changed)
        return False
    asked = {"account_id": UUID(opened["account"]), "reason_code": None}
    await change_phase(work, phase, PhaseStatus.PENDING_ACCOUNT, asked)
    return True
