"""Notices of PSPs: proven at the door, kept in the inbox, acted on by a job that asks the PSP.

A notice says where to look and is believed in nothing else. Each slice of the cashier handles the
kind that is its own.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.events import inbox
from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.events.values import EventRow, InboxState
from domain.payments.adapters.registry import notices_of
from domain.payments.ports import Psp
from domain.payments.psp_values import Notice, NoticeKind
from domain.payments.queries import Connection, get_connection
from domain.payments.reconciliation.commands.open_discrepancy import open_discrepancy
from domain.payments.values import DiscrepancyKind, PspKind
from tenants.context import system_scope
from tenants.work import Database, WriteWork

ACT = "payments.notice"
QUEUE = "psp"
STUCK_AFTER = timedelta(minutes=10)

Psps = Callable[[Connection], Psp]
"""The adapter of a connection, opened once per process."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A proven notice with what is needed to act on it."""

    run: JobRun
    connection: Connection
    psp: Psp
    notice: Notice


Handle = Callable[[Noticed], Awaitable[bool]]
"""Acts on a notice, as often as it comes; False when it names nothing of ours."""


def provider_of(kind: PspKind) -> str:
    """How the inbox and the path of notices name a kind of PSP."""
    return kind.value.lower()


PROVIDERS = frozenset(provider_of(kind) for kind in PspKind)


def jobs_over(psps: Psps, handlers: Mapping[NoticeKind, Handle]) -> JobRegistry:
    """The job that acts on notices. `handlers` is read when a notice comes."""
    registry = JobRegistry()

    @registry.job(ACT, queue=QUEUE, seconds=60)
    async def act(run: JobRun, args: dict[str, Any]) -> None:
        provider, event_id = str(args["provider"]), str(args["event_id"])
        async with run.database.read(run.scope) as work:
            kept = await inbox.find(work, provider, event_id)
            if kept is None or kept.state != InboxState.RECEIVED:
                return
            connection = await get_connection(work, kept.endpoint_id)
        notice = notices_of(connection.kind).read(kept.raw)
        noticed = Noticed(run, connection, psps(connection), notice)
        handle = handlers.get(notice.kind)
        is_ours = handle is not None and await handle(noticed)

        async def settle(work: WriteWork) -> None:
            state = InboxState.HANDLED if is_ours else InboxState.UNKNOWN
            if await inbox.settle(work, provider, event_id, state) and not is_ours:
                await _tell(work, connection, notice)

        await run.database.write(run.scope, settle)

    return registry


async def _tell(work: WriteWork, connection: Connection, notice: Notice) -> None:
    """A proven notice about nothing of ours: staff look at it."""
    await open_discrepancy(
        work,
        DiscrepancyKind.UNKNOWN_PAYMENT,
        subject=f"notice:{connection.id.hex}:{notice.object_id or notice.event_id}",
        connection_id=connection.id,
        facts={"about": notice.kind, "psp_id": notice.object_id},
    )


async def _defer(work: WriteWork, event: EventRow) -> None:
    # Other contexts hear notices too, of vendors of their own.
    if event.payload["provider"] in PROVIDERS:
        await _act_on(work, event.payload["provider"], event.payload["event_id"])


NOTICES = Consumer("payments.notices", frozenset({inbox.TOPIC}), _defer)


async def resume_notices(database: Database, brand_id: UUID) -> int:
    """Act again on notices whose job has given up; how many. For a round of the worker."""

    async def command(work: WriteWork) -> int:
        stuck = await inbox.list_waiting(work, PROVIDERS, older_than=STUCK_AFTER)
        for provider, event_id in stuck:
            await _act_on(work, provider, event_id, again=True)
        return len(stuck)

    return (await database.write(system_scope(brand_id), command)).value


async def _act_on(work: WriteWork, provider: str, event_id: str, *, again: bool = False) -> None:
    args = {"provider": provider, "event_id": event_id}
    await defer(work, ACT, args, key=f"{provider}:{event_id}", queue=QUEUE, again=again)
