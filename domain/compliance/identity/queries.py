"""SELECTs that identity needs, and what other contexts may know of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, and_, cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.clients.standing import ClientStanding, find_standing
from domain.clients.tables import client as client_row
from domain.compliance.identity.rules import OPEN, tiers_of
from domain.compliance.identity.tables import (
    kyc_case,
    kyc_connection,
    kyc_decision,
    kyc_document,
    kyc_policy,
    kyc_proposal,
    kyc_standing,
)
from domain.compliance.identity.terms import read_policy
from domain.compliance.identity.values import (
    CaseFacts,
    CaseStatus,
    Decision,
    DecisionSource,
    How,
    KycConnectionStatus,
    KycPolicy,
    KycVendorKind,
    ProposalStatus,
    Tier,
)
from domain.compliance.risk.values import Flag, RiskLevel
from domain.kernel.errors import NotFound
from tenants.brands import host_name
from tenants.tables import brand_host, publishable_key
from tenants.work import ReadWork, WriteWork

AnyWork = ReadWork | WriteWork
WAITED_FOR = timedelta(days=30)
"""How long rounds ask a vendor about a client who does not go on."""


@dataclass(frozen=True, slots=True)
class KycConnection:
    """A brand's account at a KYC vendor, with its secrets as they are sealed."""

    brand_id: UUID
    id: UUID
    legal_entity_id: UUID
    name: str
    kind: KycVendorKind
    endpoint: str
    status: KycConnectionStatus
    api_key_cipher: bytes
    notice_secrets_cipher: bytes


async def find_policy(work: AnyWork, legal_entity_id: UUID) -> KycPolicy | None:
    """What a legal entity asks of its clients; None where nobody decided: nothing is asked."""
    rows = await work.rows(
        select(kyc_policy.c.version, kyc_policy.c.rules)
        .where(kyc_policy.c.legal_entity_id == legal_entity_id)
        .order_by(kyc_policy.c.version.desc())
        .limit(1)
    )
    return read_policy(rows[0].version, rows[0].rules) if rows else None


async def find_tier(work: AnyWork, standing: ClientStanding) -> Tier | None:
    """What a client may do by how far its identity is proven; None when nothing is asked."""
    policy = await find_policy(work, standing.legal_entity_id)
    if policy is None:
        return None
    rows = await work.rows(
        select(kyc_standing.c.tier).where(
            kyc_standing.c.brand_id == work.scope.brand_id,
            kyc_standing.c.client_id == standing.id,
        )
    )
    tiers = tiers_of(policy, standing.kind)
    return tiers[min(rows[0].tier, len(tiers) - 1)] if rows else tiers[0]


async def is_prohibited(work: AnyWork, client_id: UUID) -> bool:
    """Whether the client's computed risk is PROHIBITED: no client of ours at all."""
    rows = await work.rows(
        select(kyc_standing.c.risk_level).where(
            kyc_standing.c.brand_id == work.scope.brand_id,
            kyc_standing.c.client_id == client_id,
        )
    )
    return bool(rows) and rows[0].risk_level == RiskLevel.PROHIBITED


async def list_unknown(work: WriteWork, client_ids: Iterable[UUID]) -> set[UUID]:
    """Those of some clients of whom nothing was said yet: they have no standing."""
    wanted = sorted(set(client_ids))
    rows = await work.rows(
        select(kyc_standing.c.client_id).where(
            kyc_standing.c.brand_id == work.scope.brand_id,
            kyc_standing.c.client_id == func.any(literal(wanted, ARRAY(PgUUID(as_uuid=True)))),
        )
    )
    return set(wanted) - {row.client_id for row in rows}


async def find_connection(work: AnyWork, connection_id: UUID) -> KycConnection | None:
    """A connection of the brand; None when there is none."""
    return _connection(
        await work.rows(
            _CONNECTIONS.where(
                kyc_connection.c.brand_id == work.scope.brand_id,
                kyc_connection.c.id == connection_id,
            )
        )
    )


async def get_connection(work: AnyWork, connection_id: UUID) -> KycConnection:
    """A connection that a row of ours names."""
    found = await find_connection(work, connection_id)
    assert found is not None, "a connection is never deleted"
    return found


async def find_active_connection(work: AnyWork, legal_entity_id: UUID) -> KycConnection | None:
    """Where identities of a legal entity's clients are proven just now."""
    return _connection(
        await work.rows(
            _CONNECTIONS.where(
                kyc_connection.c.brand_id == work.scope.brand_id,
                kyc_connection.c.legal_entity_id == legal_entity_id,
                kyc_connection.c.status == KycConnectionStatus.ACTIVE.value,
            )
            .order_by(kyc_connection.c.created_at.desc())
            .limit(1)
        )
    )


_CONNECTIONS = select(
    kyc_connection.c.brand_id,
    kyc_connection.c.id,
    kyc_connection.c.legal_entity_id,
    kyc_connection.c.name,
    kyc_connection.c.kind,
    kyc_connection.c.endpoint,
    kyc_connection.c.status,
    kyc_connection.c.api_key_cipher,
    kyc_connection.c.notice_secrets_cipher,
)


def _connection(rows: Sequence[Any]) -> KycConnection | None:
    if not rows:
        return None
    values = dict(rows[0]._mapping)
    kind, status = KycVendorKind(values.pop("kind")), KycConnectionStatus(values.pop("status"))
    return KycConnection(kind=kind, status=status, **values)


async def find_case(work: AnyWork, case_id: UUID) -> Any:
    """A case's row, without a lock; None when there is none."""
    rows = await work.rows(
        select(kyc_case).where(kyc_case.c.brand_id == work.scope.brand_id, kyc_case.c.id == case_id)
    )
    return rows[0] if rows else None


async def lock_case(work: WriteWork, case_id: UUID) -> Any:
    """A case's row, locked; None when there is none. Its client is locked before."""
    return await work.maybe(
        select(kyc_case)
        .where(kyc_case.c.brand_id == work.scope.brand_id, kyc_case.c.id == case_id)
        .with_for_update()
    )


async def get_case(
    work: AnyWork, case_id: UUID, *, path: tuple[str, ...] = ("input", "caseId")
) -> Any:
    """A case of a client in reach. Refusals: NOT_FOUND, alike for unknown and hidden ones."""
    row = await find_case(work, case_id)
    if row is None or await find_standing(work, row.client_id) is None:
        raise NotFound(path=path)
    return row


async def list_cases(work: AnyWork, client_id: UUID) -> list[CaseFacts]:
    """All cases of a client, oldest first."""
    rows = await work.rows(
        select(
            kyc_case.c.id,
            kyc_case.c.requirement,
            kyc_case.c.status,
            kyc_case.c.decided_at,
            kyc_case.c.expires_at,
            kyc_case.c.created_at,
        )
        .where(kyc_case.c.brand_id == work.scope.brand_id, kyc_case.c.client_id == client_id)
        .order_by(kyc_case.c.created_at, kyc_case.c.id)
    )
    return [
        CaseFacts(
            row.id,
            row.requirement,
            CaseStatus(row.status),
            row.decided_at,
            row.expires_at,
            row.created_at,
        )
        for row in rows
    ]


async def list_decisions(work: AnyWork, client_id: UUID) -> dict[UUID, list[Decision]]:
    """Everything that was said about each case of a client."""
    columns = kyc_decision.c
    rows = await work.rows(
        select(
            columns.case_id,
            columns.outcome,
            columns.decided_at,
            columns.source,
            func.coalesce(columns.ext_version, 0).label("ext_version"),
            columns.flags,
        ).where(columns.brand_id == work.scope.brand_id, columns.client_id == client_id)
    )
    found: dict[UUID, list[Decision]] = {}
    for row in rows:
        one = Decision(
            CaseStatus(row.outcome),
            row.decided_at,
            DecisionSource(row.source),
            row.ext_version,
            frozenset(Flag(flag) for flag in row.flags),
        )
        found.setdefault(row.case_id, []).append(one)
    return found


async def find_newest_word(work: AnyWork, case_id: UUID) -> Any:
    """What was said last about a case, by the clocks of who said it."""
    rows = await work.rows(
        select(kyc_decision)
        .where(kyc_decision.c.brand_id == work.scope.brand_id, kyc_decision.c.case_id == case_id)
        .order_by(kyc_decision.c.decided_at.desc(), kyc_decision.c.ext_version.desc())
        .limit(1)
    )
    return rows[0] if rows else None


async def find_open_proposal(work: AnyWork, case_id: UUID) -> Any:
    """The decision on a case that waits for a second person; None when none does."""
    rows = await work.rows(
        select(kyc_proposal).where(
            kyc_proposal.c.brand_id == work.scope.brand_id,
            kyc_proposal.c.case_id == case_id,
            kyc_proposal.c.status == ProposalStatus.OPEN.value,
        )
    )
    return rows[0] if rows else None


async def list_documents(work: AnyWork, client_id: UUID) -> Sequence[Any]:
    """The papers of a client, without their bytes, oldest first."""
    return await work.rows(
        select(kyc_document)
        .where(
            kyc_document.c.brand_id == work.scope.brand_id, kyc_document.c.client_id == client_id
        )
        .order_by(kyc_document.c.created_at, kyc_document.c.id)
    )


async def find_document(work: AnyWork, document_id: UUID) -> Any:
    """A paper without its bytes; None when unknown or out of scope."""
    rows = await work.rows(
        select(kyc_document).where(
            kyc_document.c.brand_id == work.scope.brand_id, kyc_document.c.id == document_id
        )
    )
    return rows[0] if rows else None


async def own_pages(work: AnyWork) -> tuple[frozenset[str], frozenset[str]]:
    """Hosts of the brand, and the origins of its live publishable keys."""
    brand_id = work.scope.brand_id
    hosts = await work.rows(select(brand_host.c.host).where(brand_host.c.brand_id == brand_id))
    keys = await work.rows(
        select(publishable_key.c.origins).where(
            publishable_key.c.brand_id == brand_id, publishable_key.c.revoked_at.is_(None)
        )
    )
    origins = frozenset(origin.lower() for key in keys for origin in key.origins)
    return frozenset(host_name(row.host) for row in hosts), origins


async def list_silent(work: WriteWork, *, older_than: timedelta, limit: int = 100) -> Sequence[Any]:
    """Open cases at a vendor of which nothing was heard for so long, the newest first; a client
    who has not gone on for a month is not waited for, and what no vendor has yet is not begun at
    one that is paused."""
    is_paused = exists().where(
        kyc_connection.c.brand_id == kyc_case.c.brand_id,
        kyc_connection.c.id == kyc_case.c.connection_id,
        kyc_connection.c.status == KycConnectionStatus.PAUSED.value,
    )
    return await work.rows(
        select(kyc_case.c.id, kyc_case.c.created_at)
        .where(
            kyc_case.c.brand_id == work.scope.brand_id,
            kyc_case.c.how == How.VENDOR.value,
            kyc_case.c.status == _any(OPEN),
            kyc_case.c.updated_at < work.now() - older_than,
            kyc_case.c.updated_at > work.now() - WAITED_FOR,
            ~and_(kyc_case.c.ext_id.is_(None), is_paused.correlate(kyc_case)),
        )
        .order_by(kyc_case.c.created_at.desc())
        .limit(limit)
    )


async def list_lapsed(work: WriteWork, *, limit: int = 100) -> list[UUID]:
    """Approved cases whose time is over."""
    rows = await work.rows(
        select(kyc_case.c.id)
        .where(
            kyc_case.c.brand_id == work.scope.brand_id,
            kyc_case.c.status == CaseStatus.APPROVED.value,
            kyc_case.c.expires_at <= work.now(),
        )
        .order_by(kyc_case.c.expires_at)
        .limit(limit)
    )
    return [row.id for row in rows]


async def list_lapsing(work: WriteWork, until: datetime, *, limit: int = 100) -> Sequence[Any]:
    """Approved cases that lapse before an instant and of which the client was not reminded."""
    return await work.rows(
        select(kyc_case.c.id, kyc_case.c.client_id, kyc_case.c.requirement, kyc_case.c.expires_at)
        .where(
            kyc_case.c.brand_id == work.scope.brand_id,
            kyc_case.c.status == CaseStatus.APPROVED.value,
            kyc_case.c.expires_at > work.now(),
            kyc_case.c.expires_at <= until,
            kyc_case.c.warned_at.is_(None),
        )
        .order_by(kyc_case.c.expires_at)
        .limit(limit)
    )


async def list_outdated(work: WriteWork, *, limit: int = 200) -> list[UUID]:
    """Clients whose standing follows from an older version of their legal entity's policy, or is
    due to change by itself."""
    newest = (
        select(func.max(kyc_policy.c.version))
        .where(kyc_policy.c.legal_entity_id == client_row.c.legal_entity_id)
        .correlate(client_row)
        .scalar_subquery()
    )
    rows = await work.rows(
        select(kyc_standing.c.client_id)
        .join(
            client_row,
            (client_row.c.brand_id == kyc_standing.c.brand_id)
            & (client_row.c.id == kyc_standing.c.client_id),
        )
        .where(kyc_standing.c.brand_id == work.scope.brand_id)
        .where((kyc_standing.c.policy_version < newest) | (kyc_standing.c.due_at <= work.now()))
        .order_by(kyc_standing.c.client_id)
        .limit(limit)
    )
    return [row.client_id for row in rows]


def _any(statuses: Sequence[CaseStatus]) -> Any:
    """One bound array instead of an expanding list."""
    return func.any(cast(literal([one.value for one in statuses], ARRAY(Text)), ARRAY(Text)))
