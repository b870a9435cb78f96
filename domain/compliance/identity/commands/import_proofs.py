"""Take over proofs of identity that another system kept, many at once, with all that was said."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.clients.standing import find_standings
from domain.compliance.events import of_client
from domain.compliance.identity.commands.import_standings import Proven, import_standings
from domain.compliance.identity.commands.record_decision import KINDS, Said
from domain.compliance.identity.proofs import ProofRecord, TakenOver, scores_of, take_over
from domain.compliance.identity.queries import find_policy, list_unknown
from domain.compliance.identity.secrets import content_place
from domain.compliance.identity.tables import (
    kyc_case,
    kyc_decision,
    kyc_document,
    kyc_document_content,
    kyc_proposal,
)
from domain.compliance.identity.values import CaseStatus, DocumentStatus, How, ProposalStatus
from tenants.bulk import insert_rows
from tenants.log import Change
from tenants.numbers import next_numbers
from tenants.secrets import Vault
from tenants.work import WriteWork


async def import_proofs(work: WriteWork, vault: Vault, records: Sequence[ProofRecord]) -> int:
    """Add the cases of clients who have no standing here, each in the state that follows from
    what was said about it, and say where those clients stand; how many cases those are.

    Who is known stays as it is. Nothing is begun at a vendor, also of a DRAFT. Some statements
    for all of them. Refusals: REQUIREMENT_UNKNOWN, for the whole batch.
    Effects: the event of its state each, but for a DRAFT; those of `import_standings`; audit.
    """
    if not records:
        return 0
    unknown = await list_unknown(work, {one.client_id for one in records})
    new = [one for one in records if one.client_id in unknown]
    if not new:
        return 0
    owners = await find_standings(work, unknown)
    entities = {one.legal_entity_id for one in owners.values()}
    policies = {key: await find_policy(work, key) for key in sorted(entities)}
    scores = scores_of(new, owners, policies)
    cases = [take_over(one, owners[one.client_id], policies, scores[one.client_id]) for one in new]
    numbers = await next_numbers(work, "kyc_case", len(cases))
    await insert_rows(
        work,
        kyc_case,
        [_case_row(work, one, f"K-{n:06d}") for one, n in zip(cases, numbers, strict=True)],
    )
    words = [(one, said) for one in cases for said in one.said]
    await insert_rows(work, kyc_decision, [_decision_row(work, *one) for one in words])
    pairs = [one for one in words if one[1].proposed_by is not None]
    await insert_rows(work, kyc_proposal, [_proposal_row(work, *one) for one in pairs])
    await _insert_papers(work, vault, cases)
    for one in cases:
        _tell(work, one)
    of_clients: dict[UUID, list[TakenOver]] = {}
    for one in cases:
        of_clients.setdefault(one.owner.id, []).append(one)
    proven = [
        Proven(owners[key], each[0].policy, scores[key], [one.facts for one in each])
        for key, each in of_clients.items()
    ]
    await import_standings(work, proven)
    return len(cases)


def _of_client(work: WriteWork, one: TakenOver) -> dict[str, Any]:
    owner = one.owner
    return {"brand_id": work.scope.brand_id, "client_id": owner.id, "ib_path": owner.ib_path}


def _case_row(work: WriteWork, one: TakenOver, reference: str) -> dict[str, Any]:
    record, requirement = one.record, one.policy.requirements[one.record.requirement]
    said = sorted(one.said, key=lambda each: each.at)
    return {
        **_of_client(work, one),
        "id": record.id,
        "reference": reference,
        "version": 1,
        "requirement": requirement.code,
        "how": requirement.how,
        "status": one.state.status,
        "connection_id": record.connection_id if requirement.how is How.VENDOR else None,
        "level": requirement.level,
        "ext_id": record.ext_id,
        "client_message": said[-1].client_message if said else None,
        "policy_version": one.policy.version,
        "created_at": record.at,
        "updated_at": said[-1].at if said else record.at,
        "decided_at": one.state.decided_at,
        "expires_at": one.lapses,
    }


def _decision_row(work: WriteWork, one: TakenOver, said: Said) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "id": work.new_id(),
        "case_id": one.record.id,
        "client_id": one.owner.id,
        "source": said.source,
        "outcome": said.outcome,
        "labels": list(said.labels),
        "flags": sorted(said.flags),
        "comment": said.comment,
        "client_message": said.client_message,
        "ext_version": said.version,
        "proposed_by": said.proposed_by,
        "decided_by": said.decided_by,
        "decided_at": said.at,
        "recorded_at": said.at,
    }


def _proposal_row(work: WriteWork, one: TakenOver, said: Said) -> dict[str, Any]:
    """What a second person has confirmed."""
    return {
        "brand_id": work.scope.brand_id,
        "id": work.new_id(),
        "case_id": one.record.id,
        "client_id": one.owner.id,
        "status": ProposalStatus.CONFIRMED,
        "outcome": said.outcome,
        "reason": said.comment or "",
        "client_message": said.client_message,
        "proposed_by": said.proposed_by,
        "proposed_at": one.record.at,
        "reviewed_by": said.decided_by,
        "reviewed_at": said.at,
    }


async def _insert_papers(work: WriteWork, vault: Vault, cases: Sequence[TakenOver]) -> None:
    """The papers, and apart from them their bytes, sealed."""
    papers, contents = [], []
    for one, paper in ((case, each) for case in cases for each in case.record.papers):
        document_id, whose = work.new_id(), _of_client(work, one)
        papers.append(
            {
                **whose,
                "id": document_id,
                "case_id": one.record.id,
                "kind": paper.kind,
                "name": paper.name,
                "media_type": paper.media_type,
                "size": len(paper.content),
                "digest": vault.digest(work.scope.brand_id, paper.content),
                "status": DocumentStatus.STORED,
                "issued_on": paper.issued_on,
                "expires_on": paper.expires_on,
                "created_at": one.record.at,
                "stored_at": one.record.at,
            }
        )
        sealed = vault.seal(content_place(work.scope.brand_id, document_id), paper.content)
        contents.append({**whose, "document_id": document_id, "content_cipher": sealed})
    await insert_rows(work, kyc_document, papers)
    await insert_rows(work, kyc_document_content, contents)


def _tell(work: WriteWork, one: TakenOver) -> None:
    """What became of the case. A DRAFT is told by whoever begins it: no vendor has it yet."""
    told = {"requirement": one.record.requirement, "status": one.state.status}
    if one.state.status is not CaseStatus.DRAFT:
        work.emit(of_client(KINDS[one.state.status], one.owner.id, one.record.id, told))
    work.audit(
        Change("kyc_case.import", object_kind="kyc_case", object_id=one.record.id, after=told)
    )
