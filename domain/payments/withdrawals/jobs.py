"""Jobs, consumers and rounds of withdrawals: send what was approved, ask what became of it."""

from typing import Any
from uuid import UUID

from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.events.values import EventRow
from domain.kernel.errors import Upstream
from domain.payments.events import PAYMENT_TOPIC, PaymentEventKind
from domain.payments.notices import QUEUE, Handle, Noticed, Psps
from domain.payments.values import LegStatus
from domain.payments.withdrawals.carry_leg import Sending, carry_leg, pull_leg
from domain.payments.withdrawals.commands.begin_sending import begin_sending
from domain.payments.withdrawals.commands.expire_withdrawals import expire_withdrawals
from domain.payments.withdrawals.commands.take_silent_legs import take_silent_legs
from tenants.context import system_scope
from tenants.secrets import Vault
from tenants.work import Database, WriteWork

SEND = "payments.send_withdrawal"
ASK = "payments.ask_leg"


def jobs_over(psps: Psps, vault: Vault) -> JobRegistry:
    """The jobs of withdrawals. `vault` opens the account numbers of payout destinations."""
    registry = JobRegistry()

    @registry.job(SEND, queue=QUEUE, seconds=120)
    async def send(run: JobRun, args: dict[str, Any]) -> None:
        sending = Sending(run.database, psps, vault)
        await send_legs(sending, run.brand_id, UUID(args["payment_id"]))

    @registry.job(ASK, queue=QUEUE, seconds=60)
    async def ask(run: JobRun, args: dict[str, Any]) -> None:
        sending = Sending(run.database, psps, vault)
        await carry_leg(sending, run.brand_id, UUID(args["leg_id"]))

    return registry


async def send_legs(sending: Sending, brand_id: UUID, withdrawal_id: UUID) -> None:
    """Send every leg of an approved withdrawal; one that fails for now keeps no other back.

    Raises the first PspUnavailable or OutcomeUnknown after all were tried.
    """
    begun = await sending.database.write(
        system_scope(brand_id), lambda work: begin_sending(work, withdrawal_id)
    )
    failed: list[Upstream] = []
    for leg in begun.value:
        try:
            await carry_leg(sending, brand_id, leg.id, is_fresh=leg.is_fresh)
        except Upstream as error:
            failed.append(error)
    if failed:
        raise failed[0]


async def _defer(work: WriteWork, event: EventRow) -> None:
    await _defer_sending(work, event.payload["payment_id"])


async def _defer_sending(work: WriteWork, payment_id: str, *, again: bool = False) -> None:
    args = {"payment_id": payment_id}
    await defer(work, SEND, args, key=payment_id, queue=QUEUE, again=again)


APPROVED = Consumer(
    "payments.withdrawals",
    frozenset({PAYMENT_TOPIC}),
    _defer,
    kinds=frozenset({PaymentEventKind.WITHDRAWAL_APPROVED.value}),
)


def on_notice(psps: Psps, vault: Vault) -> Handle:
    """Acts on a notice about a refund or a payout: the PSP is asked about the leg it names."""

    async def handle(noticed: Noticed) -> bool:
        sending = Sending(noticed.run.database, psps, vault)
        told = await pull_leg(sending, noticed.run.brand_id, noticed.notice.reference)
        return told is not None

    return handle


async def poll_legs(database: Database, brand_id: UUID) -> int:
    """Send what was approved and not taken up, ask about legs of which nothing was heard; how many.

    For a round: a job may have given up, and a notice may be lost.
    """

    async def command(work: WriteWork) -> int:
        silent = await take_silent_legs(work)
        for payment_id in {leg.payment_id: 0 for leg in silent if leg.status == LegStatus.HELD}:
            await _defer_sending(work, str(payment_id), again=True)
        for leg in silent:
            if leg.status != LegStatus.HELD:
                key = str(leg.id)
                await defer(work, ASK, {"leg_id": key}, key=key, queue=QUEUE, again=True)
        return len(silent)

    return (await database.write(system_scope(brand_id), command)).value


async def end_waiting(database: Database, brand_id: UUID) -> int:
    """End withdrawals that waited for approval too long; how many. For a round."""
    return (await database.write(system_scope(brand_id), expire_withdrawals)).value
