"""Jobs of deposits: start them at their PSP, pull what became of them, ask when nobody tells.

What the PSP says is pulled, never taken from a notice. The deposit's id is its reference and its
idempotency key there, for ever.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.events.values import EventRow
from domain.kernel.money import Money
from domain.payments.deposits.commands.end_deposit import end_deposit
from domain.payments.deposits.commands.settle_deposit import settle_deposit
from domain.payments.deposits.queries import (
    SILENT_PAGE,
    find_deposit,
    list_doubted,
    list_silent,
)
from domain.payments.deposits.rules import (
    GIVEN_UP,
    OPEN,
    SILENT_AFTER,
    UNSTARTED_AFTER,
    poll_pause,
)
from domain.payments.events import DEPOSIT_TOPIC, PaymentEventKind
from domain.payments.notices import QUEUE, Handle, Noticed, Psps
from domain.payments.ports import OutcomeUnknown, Psp, PspRefused, PspUnavailable
from domain.payments.psp_values import PaymentRequest, PspPayment
from domain.payments.queries import get_connection
from domain.payments.reconciliation.commands.open_discrepancy import open_discrepancy
from domain.payments.values import DiscrepancyKind, MethodKind, PaymentStatus
from tenants.context import system_scope
from tenants.work import Database, WriteWork

START = "payments.start_deposit"
PULL = "payments.pull_deposit"
PULL_AGAIN = "payments.pull_deposit_again"


def jobs_over(psps: Psps) -> JobRegistry:
    """The jobs of deposits, over the PSPs that the process speaks to."""
    registry = JobRegistry()

    @registry.job(START, queue=QUEUE, seconds=60)
    async def start(run: JobRun, args: dict[str, Any]) -> None:
        row = await _open_deposit(run, UUID(args["payment_id"]))
        if row is not None and row.status == PaymentStatus.CREATED:
            await _start(run, row, await _psp(run, row, psps), sent_before=run.attempt > 1)

    # The round asks again; a job that waited for its next try would only be in its way.
    @registry.job(PULL, queue=QUEUE, seconds=60, attempts=1)
    async def pull(run: JobRun, args: dict[str, Any]) -> None:
        row = await _open_deposit(run, UUID(args["payment_id"]))
        if row is not None:
            await _pull(run, row, await _psp(run, row, psps))

    # Of a deposit that is settled no round asks: this job itself tries until the PSP has answered.
    # One that was given up is asked about as well, and never started again.
    @registry.job(PULL_AGAIN, queue=QUEUE, seconds=60)
    async def pull_again(run: JobRun, args: dict[str, Any]) -> None:
        async with run.database.read(run.scope) as work:
            row = await find_deposit(work, UUID(args["payment_id"]))
        if row is not None and (row.ext_id is not None or row.status in GIVEN_UP):
            await _pull(run, row, await _psp(run, row, psps))

    return registry


async def _open_deposit(run: JobRun, payment_id: UUID) -> Any:
    async with run.database.read(run.scope) as work:
        row = await find_deposit(work, payment_id)
    return row if row is not None and row.status in OPEN else None


async def _psp(run: JobRun, row: Any, psps: Psps) -> Psp:
    async with run.database.read(run.scope) as work:
        return psps(await get_connection(work, row.connection_id))


async def _start(run: JobRun, row: Any, psp: Psp, *, sent_before: bool) -> None:
    """Make the payment at the PSP; a refusal ends the deposit."""
    request = PaymentRequest(
        reference=row.id.hex,
        amount=Money(int(row.amount_minor), row.currency),
        method=MethodKind(row.method_kind),
        return_url=row.return_url,
        description=row.reference,
    )
    try:
        state = await psp.create_payment(request, key=row.id.hex, sent_before=sent_before)
    except PspRefused as refused:
        code = refused.code
        await run.database.write(
            run.scope,
            lambda work: end_deposit(work, row.id, PaymentStatus.FAILED, reason_code=code),
        )
        return
    await _settle(run, row, state)


async def _settle(run: JobRun, row: Any, state: PspPayment) -> None:
    await run.database.write(
        run.scope, lambda work: settle_deposit(work, row.id, row.connection_id, state)
    )


async def _pull(run: JobRun, row: Any, psp: Psp) -> None:
    """Ask the PSP; one that was never told of a deposit is told now, unless it is too late."""
    try:
        if row.ext_id is not None:
            state = await psp.find_payment(row.ext_id)
        else:
            state = await psp.find_payment_by_reference(row.id.hex)
        if state is not None:
            await _settle(run, row, state)
        elif row.ext_id is not None or row.status in GIVEN_UP:
            await _tell(run, row)
        else:
            await _start_late(run, row, psp)
    except (PspUnavailable, OutcomeUnknown):
        await _tell(run, row, unless_younger=UNSTARTED_AFTER)
        raise


async def _start_late(run: JobRun, row: Any, psp: Psp) -> None:
    """The payer of a deposit an hour old is gone; a younger one is started again."""
    if await _age(run, row.created_at) <= UNSTARTED_AFTER:
        await _start(run, row, psp, sent_before=True)
        return
    await run.database.write(
        run.scope,
        lambda work: end_deposit(
            work, row.id, PaymentStatus.EXPIRED, reason_code="PSP_UNAVAILABLE"
        ),
    )


async def _tell(run: JobRun, row: Any, *, unless_younger: timedelta | None = None) -> None:
    """Staff must know of a deposit about which nobody can say anything."""

    async def command(work: WriteWork) -> None:
        if unless_younger is not None and work.now() - row.updated_at <= unless_younger:
            return
        await open_discrepancy(
            work,
            DiscrepancyKind.OUTCOME_UNKNOWN,
            subject=f"deposit:{row.id.hex}",
            payment_id=row.id,
            connection_id=row.connection_id,
            expected=Money(int(row.amount_minor), row.currency),
            facts={"reference": row.reference},
        )

    await run.database.write(run.scope, command)


async def _age(run: JobRun, since: datetime) -> timedelta:
    async def command(work: WriteWork) -> timedelta:
        return work.now() - since

    return (await run.database.write(run.scope, command)).value


async def _defer(work: WriteWork, event: EventRow) -> None:
    payment_id = str(event.object_id)
    await defer(work, START, {"payment_id": payment_id}, key=payment_id, queue=QUEUE)


CREATED = Consumer(
    "payments.deposits",
    frozenset({DEPOSIT_TOPIC}),
    _defer,
    kinds=frozenset({PaymentEventKind.DEPOSIT_CREATED.value}),
)


async def act_on_payment(noticed: Noticed) -> bool:
    """A notice of a payment: pull it and settle its deposit."""
    return await _pull_noticed(noticed, noticed.notice.object_id)


def after_refund(handle: Handle | None) -> Handle:
    """A notice of a refund: whoever sends money back acts first; then its payment is pulled,
    since the PSP may have given it back by itself."""

    async def act(noticed: Noticed) -> bool:
        is_ours = handle is not None and await handle(noticed)
        refund = await noticed.psp.find_refund(noticed.notice.object_id)
        if refund is None:
            return is_ours
        return await _pull_noticed(noticed, refund.payment_id) or is_ours

    return act


async def _pull_noticed(noticed: Noticed, psp_id: str) -> bool:
    state = await noticed.psp.find_payment(psp_id)
    if state is None:
        return False
    try:
        payment_id = UUID(hex=state.reference)
    except ValueError:
        return False
    run, connection_id = noticed.run, noticed.connection.id
    done = await run.database.write(
        run.scope, lambda work: settle_deposit(work, payment_id, connection_id, state)
    )
    return done.value


class Polls:
    """Rounds that ask about deposits nobody speaks of, ever more seldom. One per process; after a
    restart each is asked about at once."""

    def __init__(self) -> None:
        self._next: dict[UUID, datetime] = {}

    async def __call__(self, database: Database, brand_id: UUID) -> int:
        """Ask about what is due in a brand; how many."""

        async def command(work: WriteWork) -> int:
            silent, doubted = await self._silent(work), self._due(work, await list_doubted(work))
            for name, rows in ((PULL, silent), (PULL_AGAIN, doubted)):
                for row in rows:
                    key = str(row.id)
                    await defer(work, name, {"payment_id": key}, key=key, queue=QUEUE, again=True)
                    self._next[row.id] = work.now() + poll_pause(work.now() - row.created_at)
            self._forget(work.now())
            return len(silent) + len(doubted)

        return (await database.write(system_scope(brand_id), command)).value

    async def _silent(self, work: WriteWork) -> list[Any]:
        """Open deposits whose turn it is: those that wait for theirs hold no others up."""
        due: list[Any] = []
        after = None
        while len(due) < SILENT_PAGE:
            page = await list_silent(work, older_than=SILENT_AFTER, after=after)
            due += self._due(work, page)
            if len(page) < SILENT_PAGE:
                break
            after = (page[-1].updated_at, page[-1].id)
        return due

    def _due(self, work: WriteWork, rows: Sequence[Any]) -> list[Any]:
        return [row for row in rows if self._next.get(row.id, work.now()) <= work.now()]

    def _forget(self, now: datetime) -> None:
        """Deposits that ended are not asked about again, and their turn passes."""
        self._next = {key: at for key, at in self._next.items() if at > now - timedelta(hours=1)}
