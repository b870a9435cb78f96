"""Jobs and rounds of challenges: close accounts, pause them, give money back, try again."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.accounts.carry_out import Platforms
from domain.challenges.commands.refund_order import (
    RefundTry,
    begin_refund,
    fail_refund,
    forget_refund,
)
from domain.challenges.commands.start_challenge import ask_account
from domain.challenges.lifecycle import ClosingStatus, OrderStatus
from domain.challenges.liquidation import close_phase, pause_phase
from domain.challenges.queries import (
    find_halt,
    find_order,
    list_closing,
    list_refunding,
    lock_waiting_for_account,
)
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.kernel.money import Money
from domain.payments.deposits.commands.settle_deposit import settle_deposit
from domain.payments.deposits.queries import find_deposit
from domain.payments.notices import Psps
from domain.payments.ports import Psp, PspRefused, PspUnavailable
from domain.payments.psp_values import PspRefund, PspRefundStatus
from domain.payments.queries import get_connection
from tenants.context import system_scope
from tenants.work import Database, WriteWork

CLOSE = "challenges.close"
PAUSE = "challenges.pause"
REFUND = "challenges.refund"
QUEUE = "platform"
STUCK_AFTER = timedelta(minutes=10)
REFUNDS_MAX = 20
"""How often one order's money may be sent back and come to nothing."""
_UNDONE = (ClosingStatus.WAITING, ClosingStatus.CLOSED)
# Refusals that say that something was sent before, and not what became of it.
_NO_VERDICT = frozenset({"IDEMPOTENCY_ERROR", "DUPLICATE_REFERENCE"})


def jobs_over(platforms: Platforms, psps: Psps) -> JobRegistry:
    """The jobs of this context, over the platforms and PSPs that the process speaks to."""
    registry = JobRegistry()

    @registry.job(CLOSE, queue=QUEUE, seconds=60)
    async def close(run: JobRun, args: dict[str, Any]) -> None:
        await close_phase(run.database, platforms, run.brand_id, UUID(args["phase_id"]))

    @registry.job(PAUSE, queue=QUEUE, seconds=60)
    async def pause(run: JobRun, args: dict[str, Any]) -> None:
        await pause_phase(run.database, platforms, run.brand_id, UUID(args["phase_id"]))

    @registry.job(REFUND, queue=QUEUE, seconds=60)
    async def refund(run: JobRun, args: dict[str, Any]) -> None:
        await give_back(run, psps, UUID(args["order_id"]), anew=args.get("anew", False))

    return registry


async def give_back(run: JobRun, psps: Psps, order_id: UUID, *, anew: bool = False) -> None:
    """Have the PSP give an order's money back, once, under the order's own id; then ask what it
    holds of the payment now, since that ends the order.

    A refund that came to nothing stays so at the PSP. `anew`: staff asked again after it, so that
    another one is made, under a number behind the order's id.
    A refusal is believed when nothing was sent before it; raises OutcomeUnknown otherwise. A try
    that surely did not reach the PSP was not sent; raises PspUnavailable after it. While the
    client's money is held nothing is sent, and a try without a verdict is only searched.
    """
    async with run.database.read(run.scope) as work:
        order = await find_order(work, order_id)
        if order is None or order.status != OrderStatus.REFUNDING:
            return
        payment = await find_deposit(work, order.payment_id)
        psp = psps(await get_connection(work, payment.connection_id))
    begun = await run.database.write(run.scope, lambda work: begin_refund(work, order_id))
    if begun.value is None:
        return
    try:
        made, is_new = await _refund(psp, order, payment, begun.value, anew=anew)
    except PspUnavailable:
        if not begun.value.sent_before:
            await run.database.write(run.scope, lambda work: forget_refund(work, order_id))
        raise
    except PspRefused as refused:
        if refused.code in _NO_VERDICT:
            raise
        code = refused.code
        await run.database.write(
            run.scope, lambda work: fail_refund(work, order_id, code, is_new=anew)
        )
        return
    if made is None:
        return
    if made.status is PspRefundStatus.FAILED:
        code = made.failure_code or "REFUND_FAILED"
        await run.database.write(
            run.scope, lambda work: fail_refund(work, order_id, code, is_new=is_new)
        )
        return
    state = await psp.find_payment(payment.ext_id)
    if state is not None:
        await run.database.write(
            run.scope,
            lambda work: settle_deposit(work, payment.id, payment.connection_id, state),
        )


async def _refund(
    psp: Psp, order: Any, payment: Any, one: RefundTry, *, anew: bool
) -> tuple[PspRefund | None, bool]:
    """The refund at the PSP, and whether it was asked for now; None when it may only be searched,
    and is not there."""
    reference = order.id.hex
    if order.reason_code is not None:
        latest, following = await _latest(psp, reference)
        if latest is not None:
            is_over = latest.status is PspRefundStatus.FAILED
            if not (is_over and anew and one.may_send):
                return latest, False
            reference = following
    if not one.may_send:
        return await psp.find_refund_by_reference(reference), False
    total = Money(int(order.net_minor) + int(order.tax_minor), order.currency)
    made = await psp.create_refund(
        payment.ext_id,
        amount=total,
        reference=reference,
        key=reference,
        sent_before=one.sent_before,
    )
    return made, True


async def _latest(psp: Psp, reference: str) -> tuple[PspRefund | None, str]:
    """The last refund of an order at the PSP, and the reference that the next one would have."""
    latest, following = None, reference
    for n in range(2, REFUNDS_MAX + 2):
        found = await psp.find_refund_by_reference(following)
        if found is None or n > REFUNDS_MAX:
            break
        latest, following = found, f"{reference}-{n}"
    return latest, following


async def defer_phase(work: WriteWork, job: str, phase_id: str, *, again: bool = False) -> None:
    """Put a job about a phase into the queue. For consumers and rounds."""
    await defer(work, job, {"phase_id": phase_id}, key=phase_id, queue=QUEUE, again=again)


async def defer_held(work: WriteWork) -> None:
    """Take up every account again that the breaker held back."""
    for row in await list_closing(work, ClosingStatus.HELD):
        await defer_phase(work, CLOSE, str(row.id))


async def resume(database: Database, brand_id: UUID) -> int:
    """Try again what is stuck: accounts that could not be asked for or closed, money that did not
    go back; how many. For a round of the worker."""

    async def command(work: WriteWork) -> int:
        before, count = work.now() - STUCK_AFTER, 0
        for phase in await lock_waiting_for_account(work):
            count += await ask_account(work, phase)
        # One may have been held just as staff let all go: nobody would be told of it again.
        is_free = await find_halt(work) is None
        for status in (*_UNDONE, ClosingStatus.HELD) if is_free else _UNDONE:
            for row in await list_closing(work, status):
                if row.updated_at < before:
                    await defer_phase(work, CLOSE, str(row.id), again=True)
                    count += 1
        for row in await list_refunding(work):
            if row.updated_at < before:
                key = str(row.id)
                args = {"order_id": key}
                await defer(work, REFUND, args, key=key, queue=QUEUE, again=True)
                count += 1
        return count

    return (await database.write(system_scope(brand_id), command)).value
