"""Record what somebody said about a case; its state follows from all that was said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from domain.compliance.events import ComplianceEventKind, of_client
from domain.compliance.identity.commands.restand import find_known, restand
from domain.compliance.identity.queries import find_newest_word, list_decisions, list_documents
from domain.compliance.identity.rules import derive, lapses_at
from domain.compliance.identity.tables import kyc_case, kyc_decision, kyc_proposal
from domain.compliance.identity.values import (
    CaseState,
    CaseStatus,
    DecisionSource,
    ProposalStatus,
)
from domain.compliance.risk.values import Flag, RiskLevel
from tenants.log import Change
from tenants.work import WriteWork

KINDS: Final = {
    CaseStatus.DRAFT: ComplianceEventKind.CASE_SUBMITTED,
    CaseStatus.AWAITING_DOCS: ComplianceEventKind.CASE_READY,
    CaseStatus.PENDING: ComplianceEventKind.CASE_PENDING,
    CaseStatus.ON_HOLD: ComplianceEventKind.CASE_HELD,
    CaseStatus.APPROVED: ComplianceEventKind.CASE_APPROVED,
    CaseStatus.REJECTED_RETRY: ComplianceEventKind.CASE_REJECTED,
    CaseStatus.REJECTED_FINAL: ComplianceEventKind.CASE_REJECTED,
    CaseStatus.EXPIRED: ComplianceEventKind.CASE_EXPIRED,
}
"""What is told of a case that has come to a state."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said. `at` is by the clock of who said it; `version` is the vendor's, by which it
    is recorded once. `comment` is for staff, `client_message` for the client."""

    source: DecisionSource
    outcome: CaseStatus
    at: datetime
    version: int | None = None
    labels: Sequence[str] = ()
    flags: frozenset[Flag] = frozenset()
    comment: str | None = None
    client_message: str | None = None
    proposed_by: UUID | None = None
    decided_by: UUID | None = None
    noticed_at: datetime | None = None


async def record_decision(work: WriteWork, case: Any, said: Said) -> bool:
    """Record what was said about a case, which is locked behind its client; False when it is a
    vendor's and was recorded before.

    What a vendor approves of somebody whose risk is high waits for people.
    Effects: an event when the case moves, and those of `restand`; audit.
    """
    flags = said.flags
    if said.source is DecisionSource.VENDOR and said.outcome is CaseStatus.APPROVED:
        known = await find_known(work, case.client_id, added=flags)
        if known is not None and known.score.level in (RiskLevel.HIGH, RiskLevel.PROHIBITED):
            flags |= {Flag.HIGH_RISK}
    made = await work.rows(
        insert(kyc_decision)
        .values(
            brand_id=work.scope.brand_id,
            id=work.new_id(),
            case_id=case.id,
            client_id=case.client_id,
            source=said.source,
            outcome=said.outcome,
            labels=list(said.labels),
            flags=sorted(flags),
            comment=said.comment,
            client_message=said.client_message,
            ext_version=said.version,
            proposed_by=said.proposed_by,
            decided_by=said.decided_by,
            decided_at=said.at,
            recorded_at=work.now(),
            noticed_at=said.noticed_at,
        )
        .on_conflict_do_nothing()
        .returning(kyc_decision.c.id)
    )
    if not made:
        return False
    state = derive((await list_decisions(work, case.client_id))[case.id])
    await _move(work, case, state, said)
    await restand(work, case.client_id)
    return True


async def _move(work: WriteWork, case: Any, state: CaseState, said: Said) -> None:
    """Bring the case to the state that follows; nothing when it is there."""
    lapses = await _lapses(work, case, state)
    newest = await find_newest_word(work, case.id)
    after = {
        "status": state.status,
        "decided_at": state.decided_at,
        "expires_at": lapses,
        "client_message": newest.client_message,
    }
    if all(getattr(case, name) == value for name, value in after.items()):
        return
    await work.rows(
        update(kyc_case)
        .where(kyc_case.c.brand_id == work.scope.brand_id, kyc_case.c.id == case.id)
        .values(version=kyc_case.c.version + 1, updated_at=work.now(), warned_at=None, **after)
    )
    if state.status == case.status:
        return
    await outdate(work, case)
    told = {"requirement": case.requirement, "status": state.status}
    work.emit(of_client(KINDS[state.status], case.client_id, case.id, told))
    work.audit(
        Change(
            "kyc_case.decide",
            object_kind="kyc_case",
            object_id=case.id,
            before={"status": case.status},
            after={"status": state.status, "source": said.source},
            reason=said.comment if said.source is DecisionSource.STAFF else None,
        )
    )


async def _lapses(work: WriteWork, case: Any, state: CaseState) -> datetime | None:
    """When what is approved lapses: by the client's risk and the papers of the case."""
    known = await find_known(work, case.client_id)
    if known is None or state.status is not CaseStatus.APPROVED or state.decided_at is None:
        return None
    papers: list[date] = [
        row.expires_on
        for row in await list_documents(work, case.client_id)
        if row.case_id == case.id and row.expires_on is not None
    ]
    return lapses_at(state.decided_at, known.score.level, known.policy, papers)


async def outdate(work: WriteWork, case: Any) -> None:
    """What was proposed for another state of the case waits no more."""
    await work.rows(
        update(kyc_proposal)
        .where(
            kyc_proposal.c.brand_id == work.scope.brand_id,
            kyc_proposal.c.case_id == case.id,
            kyc_proposal.c.status == ProposalStatus.OPEN.value,
        )
        .values(status=ProposalStatus.OUTDATED.value)
    )
