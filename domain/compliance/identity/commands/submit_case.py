"""Begin to prove something about a client, or go on with what is begun."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from domain.clients.standing import ClientStanding, find_standing, lock_client
from domain.clients.values import ClientStatus
from domain.compliance.events import ComplianceEventKind, of_client
from domain.compliance.identity.commands.restand import restand
from domain.compliance.identity.errors import DocumentMissing, NotRequired, VendorMissing
from domain.compliance.identity.queries import (
    WAITED_FOR,
    find_active_connection,
    find_policy,
    list_cases,
    list_documents,
    lock_case,
    own_pages,
)
from domain.compliance.identity.rules import decide_submission, tiers_of
from domain.compliance.identity.tables import kyc_case, kyc_document
from domain.compliance.identity.values import (
    CaseStatus,
    DocumentStatus,
    How,
    KycPolicy,
    Requirement,
)
from domain.kernel.errors import Invalid, NotFound, Refused
from domain.kernel.pages import is_own_page
from tenants.log import Change
from tenants.numbers import next_number
from tenants.work import WriteWork

DOCUMENTS_MAX = 10


@dataclass(frozen=True, slots=True)
class SubmitWish:
    """What a client wants to prove: at a vendor's page, from which it comes back to `return_url`,
    or by papers that were uploaded."""

    client_id: UUID
    requirement: str
    return_url: str | None = None
    document_ids: Sequence[UUID] = ()


async def submit_case(
    work: WriteWork, wish: SubmitWish, *, allow_local: bool = False
) -> dict[str, str]:
    """Open a case, or find the one that is open; its id as `case`.

    A case of a vendor is DRAFT until the vendor has it; one of papers waits for staff at once. One
    that was given up, because nobody went on for a month, is taken up again: at the vendor of now,
    if none has it yet.
    Refusals: NOT_FOUND, INVALID, EMAIL_NOT_VERIFIED, CLIENT_CLOSED, REQUIREMENT_UNKNOWN,
    KYC_ALREADY_APPROVED, KYC_REJECTED_FINAL, KYC_VENDOR_UNAVAILABLE, DOCUMENT_INVALID.
    Effects: event `case_submitted` or `case_held`, audit.
    """
    standing = await _whose(work, wish.client_id)
    policy = await find_policy(work, standing.legal_entity_id)
    requirement = _asked(policy, standing, wish.requirement)
    assert policy is not None, "something is asked"
    cases = [
        one for one in await list_cases(work, standing.id) if one.requirement == requirement.code
    ]
    begun = decide_submission(cases[-1] if cases else None, at=work.now())
    if requirement.how is How.DOCUMENTS:
        papers = await _papers(work, standing, requirement, wish.document_ids)
        case_id = begun.id if begun else await _open(work, standing, policy, requirement, wish)
        await _attach(work, case_id, papers)
    else:
        await _check_return(work, wish, allow_local=allow_local)
        if begun is None:
            case_id = await _open(work, standing, policy, requirement, wish)
        else:
            case_id = begun.id
            await _go_on(work, standing, case_id, wish)
    if begun is None:
        await restand(work, standing.id)
    return {"case": str(case_id)}


async def _whose(work: WriteWork, client_id: UUID) -> ClientStanding:
    """The client, locked. Refusals: NOT_FOUND, EMAIL_NOT_VERIFIED, CLIENT_CLOSED."""
    await lock_client(work, client_id)
    standing = await find_standing(work, client_id)
    if standing is None:
        raise NotFound(path=("input", "clientId"))
    if standing.status is ClientStatus.REGISTERED:
        raise Refused("EMAIL_NOT_VERIFIED", "Verify the e-mail address first.")
    if standing.status is ClientStatus.CLOSED:
        raise Refused("CLIENT_CLOSED", "This client is closed.")
    return standing


def _asked(policy: KycPolicy | None, standing: ClientStanding, code: str) -> Requirement:
    """The requirement, if a tier of the client asks for it. Refusals: REQUIREMENT_UNKNOWN."""
    if policy is None or code not in tiers_of(policy, standing.kind)[-1].requires:
        raise NotRequired()
    return policy.requirements[code]


async def _check_return(work: WriteWork, wish: SubmitWish, *, allow_local: bool) -> None:
    """Refusals: INVALID for a page that is not the brand's."""
    hosts, origins = await own_pages(work)
    url = wish.return_url or ""
    if not is_own_page(url, hosts=hosts, origins=origins, allow_local=allow_local):
        message = "Clients are sent back to the brand's own pages only."
        raise Invalid("INVALID", message, path=("input", "returnUrl"))


async def _papers(
    work: WriteWork, standing: ClientStanding, requirement: Requirement, ids: Sequence[UUID]
) -> list[Any]:
    """The papers that are brought. Refusals: DOCUMENT_INVALID."""
    if not 1 <= len(set(ids)) <= DOCUMENTS_MAX:
        raise DocumentMissing(f"Bring 1 to {DOCUMENTS_MAX} documents.")
    known = {row.id: row for row in await list_documents(work, standing.id)}
    today = work.now().date()
    found = []
    for document_id in dict.fromkeys(ids):
        row = known.get(document_id)
        if row is None or row.status != DocumentStatus.STORED or row.case_id is not None:
            raise DocumentMissing("A document is unknown, not uploaded yet, or was used before.")
        if row.expires_on is not None and row.expires_on < today:
            raise DocumentMissing("A document has expired.")
        if requirement.max_age_days is not None:
            oldest = today - timedelta(days=requirement.max_age_days)
            if row.issued_on is None or not oldest <= row.issued_on <= today:
                days = requirement.max_age_days
                raise DocumentMissing(f"Say when it was issued: at most {days} days ago.")
        found.append(row)
    return found


async def _open(
    work: WriteWork,
    standing: ClientStanding,
    policy: KycPolicy,
    requirement: Requirement,
    wish: SubmitWish,
) -> UUID:
    """A new case. Refusals: KYC_VENDOR_UNAVAILABLE."""
    is_vendors = requirement.how is How.VENDOR
    connection = None
    if is_vendors:
        connection = await find_active_connection(work, standing.legal_entity_id)
        if connection is None:
            raise VendorMissing()
    case_id, number = work.new_id(), await next_number(work, "kyc_case", start=1)
    status = CaseStatus.DRAFT if is_vendors else CaseStatus.ON_HOLD
    shown = {"requirement": requirement.code, "how": requirement.how, "status": status}
    await work.rows(
        insert(kyc_case).values(
            brand_id=work.scope.brand_id,
            id=case_id,
            client_id=standing.id,
            ib_path=standing.ib_path,
            reference=f"K-{number:06d}",
            version=1,
            connection_id=connection.id if connection else None,
            level=requirement.level,
            return_url=wish.return_url if is_vendors else None,
            policy_version=policy.version,
            maker_ids=[],
            created_at=work.now(),
            updated_at=work.now(),
            **shown,
        )
    )
    kind = ComplianceEventKind.CASE_SUBMITTED if is_vendors else ComplianceEventKind.CASE_HELD
    told = {"requirement": requirement.code, "status": status}
    work.emit(of_client(kind, standing.id, case_id, told))
    work.audit(Change("kyc_case.submit", object_kind="kyc_case", object_id=case_id, after=shown))
    return case_id


async def _go_on(
    work: WriteWork, standing: ClientStanding, case_id: UUID, wish: SubmitWish
) -> None:
    """Take an open case up again that rounds ask about no more. Refusals: KYC_VENDOR_UNAVAILABLE.

    Effects: event `case_submitted` where no vendor has it, so that it is begun there.
    """
    case = await lock_case(work, case_id)
    if case.updated_at > work.now() - WAITED_FOR:
        return
    changed: dict[str, Any] = {"version": kyc_case.c.version + 1, "updated_at": work.now()}
    if case.ext_id is None:
        connection = await find_active_connection(work, standing.legal_entity_id)
        if connection is None:
            raise VendorMissing()
        changed |= {"connection_id": connection.id, "return_url": wish.return_url}
        told = {"requirement": case.requirement, "status": case.status}
        submitted = ComplianceEventKind.CASE_SUBMITTED
        work.emit(of_client(submitted, standing.id, case_id, told))
    await work.rows(
        update(kyc_case)
        .where(kyc_case.c.brand_id == work.scope.brand_id, kyc_case.c.id == case_id)
        .values(**changed)
    )


async def _attach(work: WriteWork, case_id: UUID, papers: Sequence[Any]) -> None:
    """Papers become part of the case; who brought them decides no more on it."""
    case = await lock_case(work, case_id)
    makers = {one for row in papers for one in row.maker_ids} | set(case.maker_ids)
    await work.rows(
        update(kyc_case)
        .where(kyc_case.c.brand_id == work.scope.brand_id, kyc_case.c.id == case_id)
        .values(maker_ids=sorted(makers), version=kyc_case.c.version + 1, updated_at=work.now())
    )
    for row in papers:
        await work.rows(
            update(kyc_document)
            .where(kyc_document.c.brand_id == work.scope.brand_id, kyc_document.c.id == row.id)
            .values(case_id=case_id)
        )
