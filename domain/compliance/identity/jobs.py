"""Jobs of identity: begin cases at their vendor, pull what it says, ask when nobody tells."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.clients.standing import lock_client
from domain.compliance.events import TOPIC, ComplianceEventKind
from domain.compliance.identity.adapters.registry import notices_of
from domain.compliance.identity.commands.record_applicant import record_applicant
from domain.compliance.identity.commands.record_decision import Said, record_decision
from domain.compliance.identity.ports import Applicant, ApplicantRequest, KycRefused, KycVendor
from domain.compliance.identity.queries import (
    KycConnection,
    find_case,
    get_connection,
    list_silent,
    lock_case,
)
from domain.compliance.identity.rules import OPEN, poll_pause
from domain.compliance.identity.values import CaseStatus, DecisionSource, How, KycVendorKind
from domain.events import inbox
from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.events.values import EventRow, InboxState
from domain.kernel.ids import encode_id
from domain.kernel.pages import page_told
from tenants.context import system_scope
from tenants.work import Database, WriteWork

START = "identity.start_case"
PULL = "identity.pull_case"
ACT = "identity.notice"
QUEUE = "kyc"
SILENT_AFTER = timedelta(minutes=1)
STUCK_AFTER = timedelta(minutes=10)
_FORGET_AFTER = timedelta(hours=1)

KycVendors = Callable[[KycConnection], KycVendor]
"""The adapter of a connection, opened once per process."""


def provider_of(kind: KycVendorKind) -> str:
    """How the inbox names a kind of vendor; no kind of PSP is called so."""
    return f"kyc_{kind.value.lower()}"


PROVIDERS = frozenset(provider_of(kind) for kind in KycVendorKind)


def jobs_over(vendors: KycVendors) -> JobRegistry:
    """The jobs of identity, over the vendors that the process speaks to."""
    registry = JobRegistry()

    @registry.job(START, queue=QUEUE, seconds=60)
    async def start(run: JobRun, args: dict[str, Any]) -> None:
        case = await _open_case(run, UUID(args["case_id"]))
        if case is not None and case.ext_id is None:
            await _start(run, case, await _vendor(run, case, vendors))

    # The round asks again; a job that waited for its next try would only be in its way.
    @registry.job(PULL, queue=QUEUE, seconds=60, attempts=1)
    async def pull(run: JobRun, args: dict[str, Any]) -> None:
        case = await _open_case(run, UUID(args["case_id"]))
        if case is None:
            return
        vendor = await _vendor(run, case, vendors)
        if case.ext_id is None:
            await _start(run, case, vendor)
            return
        applicant = await vendor.find_applicant(case.ext_id)
        if applicant is not None:
            await _record(run, case.connection_id, applicant)

    @registry.job(ACT, queue=QUEUE, seconds=60)
    async def act(run: JobRun, args: dict[str, Any]) -> None:
        await _act(run, vendors, str(args["provider"]), str(args["event_id"]))

    return registry


async def _act(run: JobRun, vendors: KycVendors, provider: str, event_id: str) -> None:
    """A notice says where to look: what the vendor says now is pulled before anything follows."""
    async with run.database.read(run.scope) as work:
        kept = await inbox.find(work, provider, event_id)
        if kept is None or kept.state != InboxState.RECEIVED:
            return
        connection = await get_connection(work, kept.endpoint_id)
    notice = notices_of(connection.kind).read(kept.raw)
    applicant = None
    if notice.applicant_id:
        applicant = await vendors(connection).find_applicant(notice.applicant_id)
    is_ours = applicant is not None and await _record(
        run, connection.id, applicant, noticed_at=kept.received_at
    )
    state = InboxState.HANDLED if is_ours else InboxState.UNKNOWN
    await run.database.write(run.scope, lambda work: inbox.settle(work, provider, event_id, state))


async def _record(
    run: JobRun,
    connection_id: UUID,
    applicant: Applicant,
    *,
    noticed_at: datetime | None = None,
) -> bool:
    done = await run.database.write(
        run.scope,
        lambda work: record_applicant(work, connection_id, applicant, noticed_at=noticed_at),
    )
    return done.value


async def _open_case(run: JobRun, case_id: UUID) -> Any:
    async with run.database.read(run.scope) as work:
        case = await find_case(work, case_id)
    is_open = case is not None and case.how == How.VENDOR and CaseStatus(case.status) in OPEN
    return case if is_open else None


async def _vendor(run: JobRun, case: Any, vendors: KycVendors) -> KycVendor:
    async with run.database.read(run.scope) as work:
        return vendors(await get_connection(work, case.connection_id))


async def _start(run: JobRun, case: Any, vendor: KycVendor) -> None:
    """Make the applicant at the vendor; what it refuses may be tried anew."""
    # The vendor knows its own reference only: a front end is told the case by the API's id.
    back = page_told(case.return_url, case=encode_id("kyc_case", case.id))
    request = ApplicantRequest(case.id.hex, case.level, back)
    try:
        applicant = await vendor.create_applicant(request)
    except KycRefused as refused:
        code = refused.code
        await run.database.write(run.scope, lambda work: _refuse(work, case.id, code))
        return
    await _record(run, case.connection_id, applicant)


async def _refuse(work: WriteWork, case_id: UUID, code: str) -> None:
    found = await find_case(work, case_id)
    await lock_client(work, found.client_id)
    said = Said(DecisionSource.SYSTEM, CaseStatus.REJECTED_RETRY, work.now(), comment=code)
    await record_decision(work, await lock_case(work, case_id), said)


async def _begin(work: WriteWork, event: EventRow) -> None:
    case_id = str(event.object_id)
    await defer(work, START, {"case_id": case_id}, key=case_id, queue=QUEUE)


SUBMITTED = Consumer(
    "identity.cases",
    frozenset({TOPIC}),
    _begin,
    kinds=frozenset({ComplianceEventKind.CASE_SUBMITTED.value}),
)


async def _noticed(work: WriteWork, event: EventRow) -> None:
    if event.payload["provider"] in PROVIDERS:
        await _act_on(work, event.payload["provider"], event.payload["event_id"])


NOTICES = Consumer("identity.notices", frozenset({inbox.TOPIC}), _noticed)


async def resume_notices(database: Database, brand_id: UUID) -> int:
    """Act again on notices whose job has given up; how many. For a round of the worker."""

    async def command(work: WriteWork) -> int:
        stuck = await inbox.list_waiting(work, PROVIDERS, older_than=STUCK_AFTER)
        for provider, event_id in stuck:
            await _act_on(work, provider, event_id, again=True)
        return len(stuck)

    return (await database.write(system_scope(brand_id), command)).value


class Polls:
    """Rounds that ask about open cases nobody speaks of, ever more seldom. One per process; after
    a restart each is asked about at once."""

    def __init__(self) -> None:
        self._next: dict[UUID, datetime] = {}

    async def __call__(self, database: Database, brand_id: UUID) -> int:
        """Ask about what is due in a brand; how many."""

        async def command(work: WriteWork) -> int:
            silent = await list_silent(work, older_than=SILENT_AFTER)
            due = [row for row in silent if self._next.get(row.id, work.now()) <= work.now()]
            for row in due:
                key = str(row.id)
                await defer(work, PULL, {"case_id": key}, key=key, queue=QUEUE, again=True)
                self._next[row.id] = work.now() + poll_pause(work.now() - row.created_at)
            self._next = {
                key: at for key, at in self._next.items() if at > work.now() - _FORGET_AFTER
            }
            return len(due)

        return (await database.write(system_scope(brand_id), command)).value


async def _act_on(work: WriteWork, provider: str, event_id: str, *, again: bool = False) -> None:
    args = {"provider": provider, "event_id": event_id}
    await defer(work, ACT, args, key=f"{provider}:{event_id}", queue=QUEUE, again=again)
