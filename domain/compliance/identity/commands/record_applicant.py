"""Record what a KYC vendor says of a case, as it was pulled."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update

from domain.clients.standing import lock_client
from domain.compliance.identity.commands.record_decision import Said, record_decision
from domain.compliance.identity.ports import Applicant
from domain.compliance.identity.queries import find_case, lock_case
from domain.compliance.identity.tables import kyc_case
from domain.compliance.identity.values import DecisionSource
from tenants.work import WriteWork


async def record_applicant(
    work: WriteWork,
    connection_id: UUID,
    applicant: Applicant,
    *,
    noticed_at: datetime | None = None,
) -> bool:
    """Record a state of an applicant; False when it is of no case of this connection.

    A state may come twice, late and in any order: each version is recorded once, and what is
    newest by the vendor's clock holds. Effects: those of `record_decision`.
    """
    case = await _case(work, connection_id, applicant)
    if case is None:
        return False
    if case.ext_id != applicant.id or case.page_url != applicant.page_url:
        await work.rows(
            update(kyc_case)
            .where(kyc_case.c.brand_id == work.scope.brand_id, kyc_case.c.id == case.id)
            .values(ext_id=applicant.id, page_url=applicant.page_url)
        )
    await record_decision(
        work,
        case,
        Said(
            DecisionSource.VENDOR,
            applicant.status,
            applicant.at,
            applicant.version,
            applicant.labels,
            applicant.flags,
            comment=applicant.comment,
            client_message=applicant.client_message,
            noticed_at=noticed_at,
        ),
    )
    return True


async def _case(work: WriteWork, connection_id: UUID, applicant: Applicant) -> Any:
    """The case that an applicant is, locked behind its client; None when it is none of ours."""
    try:
        case_id = UUID(hex=applicant.reference)
    except ValueError:
        return None
    found = await find_case(work, case_id)
    if found is None or found.connection_id != connection_id:
        return None
    if found.ext_id not in (None, applicant.id):
        return None
    await lock_client(work, found.client_id)
    return await lock_case(work, case_id)
