"""Jobs of disputes: reading them from the PSP, and sending evidence."""

from typing import Any
from uuid import UUID

from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.events.values import EventRow
from domain.payments.disputes.commands.record_dispute import record_dispute
from domain.payments.disputes.commands.submit_evidence import record_evidence
from domain.payments.disputes.queries import find_waiting_evidence
from domain.payments.disputes.values import EvidenceStatus
from domain.payments.events import PAYMENT_TOPIC, PaymentEventKind
from domain.payments.ledger.errors import InsufficientFunds
from domain.payments.notices import Noticed, Psps
from domain.payments.ports import Psp, PspRefused
from domain.payments.psp_values import Evidence, PspDispute
from domain.payments.queries import Connection, get_connection
from tenants.context import system_scope
from tenants.work import Database, WriteWork

SEND_EVIDENCE = "disputes.send_evidence"
QUEUE = "psp"
_ATTEMPTS = 20


async def pull_dispute(
    database: Database, psps: Psps, brand_id: UUID, connection_id: UUID, ext_id: str
) -> bool:
    """Ask the PSP how a dispute stands and record it; False when it is of nothing of ours.

    Raises PspUnavailable and DepositNotSettled, after which it is tried again.
    """
    psp = await _psp(database, psps, brand_id, connection_id)
    stated = await psp.find_dispute(ext_id)
    return stated is not None and await record(database, brand_id, connection_id, stated)


async def handle_notice(noticed: Noticed) -> bool:
    """Act on a notice about a dispute, as often as it comes."""
    run, connection = noticed.run, noticed.connection

    def psp_of(_connection: Connection) -> Psp:
        return noticed.psp

    ext_id = noticed.notice.object_id
    return await pull_dispute(run.database, psp_of, run.brand_id, connection.id, ext_id)


async def _psp(database: Database, psps: Psps, brand_id: UUID, connection_id: UUID) -> Psp:
    async with database.read(system_scope(brand_id)) as work:
        return psps(await get_connection(work, connection_id))


async def record(
    database: Database, brand_id: UUID, connection_id: UUID, stated: PspDispute
) -> bool:
    """Record a dispute as stated. What is held depends on what the wallet has at that instant, so
    that a wallet emptied meanwhile is looked at again. False when the payment is none of ours."""

    async def command(work: WriteWork) -> bool:
        return await record_dispute(work, connection_id, stated) is not None

    for _ in range(_ATTEMPTS - 1):
        try:
            return (await database.write(system_scope(brand_id), command)).value
        except InsufficientFunds:
            continue
    return (await database.write(system_scope(brand_id), command)).value


async def send_evidence(run: JobRun, psps: Psps, evidence_id: UUID) -> None:
    """Send a piece of evidence once, record the answer and what the dispute became."""
    async with run.database.read(run.scope) as work:
        waiting = await find_waiting_evidence(work, evidence_id)
    if waiting is None:
        return
    psp = await _psp(run.database, psps, run.brand_id, waiting.connection_id)
    key = waiting.id.hex
    told = Evidence(key, waiting.text)
    try:
        stated = await psp.send_evidence(waiting.dispute_ext_id, told, key=key)
    except PspRefused:
        await _note(run, evidence_id, EvidenceStatus.REFUSED)
        return
    await _note(run, evidence_id, EvidenceStatus.SENT)
    await record(run.database, run.brand_id, waiting.connection_id, stated)


async def _note(run: JobRun, evidence_id: UUID, status: EvidenceStatus) -> None:
    await run.database.write(run.scope, lambda work: record_evidence(work, evidence_id, status))


def jobs_over(psps: Psps) -> JobRegistry:
    """The jobs of disputes, over the PSPs the process is connected to."""
    registry = JobRegistry()

    @registry.job(SEND_EVIDENCE, queue=QUEUE, seconds=60)
    async def send(run: JobRun, args: dict[str, Any]) -> None:
        await send_evidence(run, psps, UUID(args["evidence_id"]))

    return registry


async def _defer(work: WriteWork, event: EventRow) -> None:
    evidence_id = event.payload["evidence_id"]
    args = {"evidence_id": evidence_id}
    await defer(work, SEND_EVIDENCE, args, key=evidence_id, queue=QUEUE)


EVIDENCE = Consumer(
    "disputes.evidence",
    frozenset({PAYMENT_TOPIC}),
    _defer,
    kinds=frozenset({PaymentEventKind.EVIDENCE_SUBMITTED.value}),
)
