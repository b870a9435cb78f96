"""Say what a legal entity asks of its clients: as a new version, for all brands it serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select

from domain.compliance.identity.tables import kyc_policy
from domain.compliance.identity.terms import read_policy
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class PolicyPlan:
    """The rules as `terms` reads them, where they come from, and when somebody last compared."""

    legal_entity_id: UUID
    rules: Mapping[str, Any]
    source: str
    reviewed_on: date


async def save_policy(work: WriteWork, plan: PolicyPlan) -> int:
    """Add a version unless the newest says the same; the version that holds.

    Clients are held to it at once, and their standing follows within a minute. For the owner of
    the database. Refusals: INVALID for rules that can't be meant.
    """
    read_policy(0, plan.rules)
    newest = await work.maybe(
        select(kyc_policy.c.version, kyc_policy.c.rules)
        .where(kyc_policy.c.legal_entity_id == plan.legal_entity_id)
        .order_by(kyc_policy.c.version.desc())
        .limit(1)
    )
    if newest is not None and newest.rules == dict(plan.rules):
        return int(newest.version)
    row = await work.one(
        select((func.coalesce(func.max(kyc_policy.c.version), 0) + 1).label("version")).where(
            kyc_policy.c.legal_entity_id == plan.legal_entity_id
        )
    )
    await work.rows(
        insert(kyc_policy).values(
            legal_entity_id=plan.legal_entity_id,
            version=row.version,
            rules=dict(plan.rules),
            source=plan.source,
            reviewed_on=plan.reviewed_on,
        )
    )
    return int(row.version)
