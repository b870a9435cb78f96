"""Say something against a dispute: kept first, sent to the PSP by a job, recorded after."""

from uuid import UUID

from sqlalchemy import insert, update

from domain.clients.standing import find_standing
from domain.kernel.errors import NotFound
from domain.payments.disputes.events import evidence_event
from domain.payments.disputes.queries import find_dispute
from domain.payments.disputes.rules import decide_evidence, normalise_evidence
from domain.payments.disputes.tables import dispute_evidence
from domain.payments.disputes.values import EvidenceStatus
from domain.payments.staff import require_staff
from domain.payments.values import DisputeStatus
from tenants.log import Change
from tenants.work import WriteWork


async def submit_evidence(work: WriteWork, dispute_id: UUID, text: str) -> UUID:
    """Keep evidence, to be sent; its id. Several pieces may be sent until the dispute is decided,
    and no later than the PSP takes it.

    Refusals: NOT_FOUND, INVALID, DISPUTE_CLOSED, EVIDENCE_TOO_LATE. Effects: event
    `evidence_submitted`, audit.
    """
    told = normalise_evidence(text)
    row = await find_dispute(work, dispute_id)
    if row is None or await find_standing(work, row["client_id"]) is None:
        raise NotFound(path=("input", "disputeId"))
    decide_evidence(DisputeStatus(row["status"]), row["evidence_due_at"], work.now())
    staff_id = require_staff(work)
    evidence_id = work.new_id()
    await work.rows(
        insert(dispute_evidence).values(
            brand_id=work.scope.brand_id,
            id=evidence_id,
            dispute_id=dispute_id,
            text=told,
            status=EvidenceStatus.WAITING,
            staff_id=staff_id,
            created_at=work.now(),
        )
    )
    work.emit(evidence_event(dispute_id, evidence_id))
    work.audit(
        Change(
            "dispute.evidence",
            object_kind="dispute",
            object_id=dispute_id,
            after={"evidence_id": str(evidence_id)},
        )
    )
    return evidence_id


async def record_evidence(work: WriteWork, evidence_id: UUID, status: EvidenceStatus) -> bool:
    """Note what the PSP made of evidence; False when that was noted before."""
    columns = dispute_evidence.c
    rows = await work.rows(
        update(dispute_evidence)
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.id == evidence_id,
            columns.status == EvidenceStatus.WAITING,
        )
        .values(status=status, sent_at=work.now())
        .returning(columns.id)
    )
    return bool(rows)
