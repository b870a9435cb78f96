"""Decide on a case by hand: propose, confirm, decline. Two people for whatever weighs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from domain.clients.standing import lock_client
from domain.compliance.events import ComplianceEventKind, of_staff
from domain.compliance.identity.commands.record_decision import Said, outdate, record_decision
from domain.compliance.identity.errors import CaseMoved, NothingProposed, ProposalWaits
from domain.compliance.identity.queries import (
    find_newest_word,
    find_open_proposal,
    get_case,
    lock_case,
)
from domain.compliance.identity.rules import decide_confirmation, decide_review
from domain.compliance.identity.tables import kyc_case, kyc_proposal
from domain.compliance.identity.values import CaseStatus, DecisionSource, ProposalStatus
from domain.kernel.errors import Invalid
from tenants.context import ActorKind
from tenants.log import Change
from tenants.work import WriteWork

REASON_MAX = 500
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody on the staff decides: why, for the file, and what the client is told."""

    outcome: CaseStatus
    reason: str
    client_message: str | None = None


async def decide_case(
    work: WriteWork, case_id: UUID, verdict: Verdict, *, version: int
) -> dict[str, str]:
    """Decide, or propose what a second person must confirm; `case` and, if one, `proposal`.

    Refusals: NOT_FOUND, VERSION_CONFLICT, INVALID, KYC_CASE_NOT_DECIDABLE, FOUR_EYES,
    KYC_PROPOSAL_WAITS. Effects: event `decision_proposed`, or those of `record_decision`; audit.
    """
    case = await _locked(work, case_id, version)
    reason = _told(verdict.reason, "reason")
    message = verdict.client_message and _told(verdict.client_message, "clientMessage")
    who = _person(work)
    waits = decide_review(CaseStatus(case.status), verdict.outcome, who=who, makers=case.maker_ids)
    proposal = await find_open_proposal(work, case_id)
    if proposal is not None:
        if _stands(proposal, case):
            raise ProposalWaits()
        await outdate(work, case)
    if not waits:
        await _decide(work, case, Verdict(verdict.outcome, reason, message), decided_by=who)
        return {"case": str(case_id)}
    proposal_id = work.new_id()
    await work.rows(
        insert(kyc_proposal).values(
            brand_id=work.scope.brand_id,
            id=proposal_id,
            case_id=case_id,
            client_id=case.client_id,
            status=ProposalStatus.OPEN,
            outcome=verdict.outcome,
            reason=reason,
            client_message=message,
            proposed_by=who,
            proposed_at=work.now(),
        )
    )
    await _touch(work, case_id)
    told = {"outcome": verdict.outcome, "proposal_id": str(proposal_id)}
    work.emit(of_staff(ComplianceEventKind.DECISION_PROPOSED, case.client_id, case_id, told))
    work.audit(
        Change(
            "kyc_case.propose",
            object_kind="kyc_case",
            object_id=case_id,
            before={"status": case.status},
            after={"outcome": verdict.outcome},
            reason=reason,
        )
    )
    return {"case": str(case_id), "proposal": str(proposal_id)}


async def review_case(
    work: WriteWork, case_id: UUID, *, confirm: bool, reason: str, version: int
) -> dict[str, str]:
    """Confirm or decline, as the second person, what somebody else has proposed.

    Refusals: NOT_FOUND, VERSION_CONFLICT, INVALID, KYC_NOTHING_PROPOSED, FOUR_EYES.
    Effects: those of `record_decision`, or event `decision_declined`; audit.
    """
    case = await _locked(work, case_id, version)
    reason = _told(reason, "reason")
    proposal = await find_open_proposal(work, case_id)
    if proposal is None or not _stands(proposal, case):
        raise NothingProposed()
    who = _person(work)
    decide_confirmation(who=who, makers={*case.maker_ids, proposal.proposed_by})
    status = ProposalStatus.CONFIRMED if confirm else ProposalStatus.DECLINED
    await work.rows(
        update(kyc_proposal)
        .where(kyc_proposal.c.brand_id == work.scope.brand_id, kyc_proposal.c.id == proposal.id)
        .values(status=status, reviewed_by=who, reviewed_at=work.now(), review_reason=reason)
    )
    work.audit(
        Change(
            f"kyc_case.{'confirm' if confirm else 'decline'}",
            object_kind="kyc_case",
            object_id=case_id,
            after={"outcome": proposal.outcome},
            reason=reason,
        )
    )
    if confirm:
        verdict = Verdict(CaseStatus(proposal.outcome), proposal.reason, proposal.client_message)
        await _decide(work, case, verdict, decided_by=who, proposed_by=proposal.proposed_by)
    else:
        await _touch(work, case_id)
        told = {"outcome": proposal.outcome, "proposal_id": str(proposal.id)}
        work.emit(of_staff(ComplianceEventKind.DECISION_DECLINED, case.client_id, case_id, told))
    return {"case": str(case_id)}


def _stands(proposal: Any, case: Any) -> bool:
    """Whether the case is what it was when it was proposed: the same papers, the same word of the
    vendor. A client who brings papers sees no proposals, so that this is found here."""
    return bool(proposal.proposed_at >= case.updated_at)


async def _locked(work: WriteWork, case_id: UUID, version: int) -> Any:
    """The case, locked behind its client. Refusals: NOT_FOUND, VERSION_CONFLICT."""
    await lock_client(work, (await get_case(work, case_id)).client_id)
    case = await lock_case(work, case_id)
    if case.version != version:
        raise CaseMoved()
    return case


async def _decide(
    work: WriteWork,
    case: Any,
    verdict: Verdict,
    *,
    decided_by: UUID | None,
    proposed_by: UUID | None = None,
) -> None:
    """Record what people decided: later, by any clock, than everything they have seen."""
    newest = await find_newest_word(work, case.id)
    at = work.now() if newest is None else max(work.now(), newest.decided_at + _TICK)
    said = Said(
        DecisionSource.STAFF,
        verdict.outcome,
        at,
        comment=verdict.reason,
        client_message=verdict.client_message,
        proposed_by=proposed_by,
        decided_by=decided_by,
    )
    await record_decision(work, case, said)


async def _touch(work: WriteWork, case_id: UUID) -> None:
    """Whoever read the case before has to read it again."""
    await work.rows(
        update(kyc_case)
        .where(kyc_case.c.brand_id == work.scope.brand_id, kyc_case.c.id == case_id)
        .values(version=kyc_case.c.version + 1)
    )


def _person(work: WriteWork) -> UUID | None:
    """Who decides; None for whoever is no person on the staff."""
    actor = work.scope.actor
    return actor.id if actor.kind is ActorKind.STAFF else None


def _told(text: str, field: str) -> str:
    """Refusals: INVALID."""
    told = text.strip()
    if not 1 <= len(told) <= REASON_MAX:
        message = f"Write 1 to {REASON_MAX} characters."
        raise Invalid("INVALID", message, path=("input", field))
    return told
