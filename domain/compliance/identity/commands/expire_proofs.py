"""What lapses by itself: proofs whose time is over, and reminders before it is."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from domain.clients.standing import lock_client
from domain.compliance.events import ComplianceEventKind, of_client
from domain.compliance.identity.commands.expect_document import forget_documents
from domain.compliance.identity.commands.record_decision import Said, record_decision
from domain.compliance.identity.commands.restand import restand
from domain.compliance.identity.queries import (
    find_case,
    list_lapsed,
    list_lapsing,
    list_outdated,
    lock_case,
)
from domain.compliance.identity.tables import kyc_case
from domain.compliance.identity.values import CaseStatus, DecisionSource
from tenants.context import system_scope
from tenants.work import Database, WriteWork

REMIND_BEFORE = timedelta(days=30)
FORGET_AFTER = timedelta(days=1)
"""How long papers are expected whose bytes do not come."""


async def expire_proofs(database: Database, brand_id: UUID) -> int:
    """Let lapse what has lapsed, remind of what will, and say anew where clients stand whose
    policy has another version; how many clients were touched. For a round of the worker.

    Each in its own work, so that one that fails is no other's loss.
    """
    scope = system_scope(brand_id)
    lapsed = (await database.write(scope, list_lapsed)).value
    for case_id in lapsed:
        await database.write(scope, lambda work, key=case_id: expire(work, key))  # type: ignore[misc] # bound now
    reminded = (await database.write(scope, remind)).value
    outdated = (await database.write(scope, list_outdated)).value
    for client_id in outdated:
        await database.write(scope, lambda work, key=client_id: restand(work, key))  # type: ignore[misc] # bound now
    await database.write(scope, _forget)
    return len(lapsed) + reminded + len(outdated)


async def _forget(work: WriteWork) -> int:
    return await forget_documents(work, before=work.now() - FORGET_AFTER)


async def expire(work: WriteWork, case_id: UUID) -> bool:
    """End an approved case whose time is over; False when somebody was quicker.

    Effects: event `case_expired`, those of `restand`; audit.
    """
    found = await find_case(work, case_id)
    assert found is not None, "a case is never deleted"
    await lock_client(work, found.client_id)
    case = await lock_case(work, case_id)
    if case.status != CaseStatus.APPROVED or case.expires_at is None:
        return False
    if case.expires_at > work.now():
        return False
    said = Said(DecisionSource.SYSTEM, CaseStatus.EXPIRED, case.expires_at)
    return await record_decision(work, case, said)


async def remind(work: WriteWork) -> int:
    """Tell of proofs that lapse within a month, each once. Effects: events `proof_lapsing`."""
    rows = await list_lapsing(work, work.now() + REMIND_BEFORE)
    for row in rows:
        await work.rows(
            update(kyc_case)
            .where(kyc_case.c.brand_id == work.scope.brand_id, kyc_case.c.id == row.id)
            .values(warned_at=work.now())
        )
        told = {"requirement": row.requirement, "expires_at": row.expires_at.isoformat()}
        work.emit(of_client(ComplianceEventKind.PROOF_LAPSING, row.client_id, row.id, told))
    return len(rows)
