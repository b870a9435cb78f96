"""What the API shows of identity: where a client stands, its cases, decisions and papers.

A client sees its own; what a vendor found out is for staff. The bytes of papers are sealed and
never part of a read.
"""

from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Text, and_, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.clients.tables import client
from domain.compliance.identity.tables import (
    kyc_case,
    kyc_decision,
    kyc_document,
    kyc_policy,
    kyc_proposal,
    kyc_standing,
)
from domain.compliance.identity.values import (
    CaseStatus,
    DecisionSource,
    KycStatus,
    ProposalStatus,
)
from domain.compliance.risk.values import RiskLevel
from domain.reads import VIEWER_ID, Entity, Many, One, Through, columns, extend, own_rows


def _of_standing(column: Column[Any], default: Any = None) -> ColumnElement[Any]:
    """A column of where the client stands; `default` before anything was written."""
    found = (
        select(column)
        .where(
            kyc_standing.c.brand_id == client.c.brand_id, kyc_standing.c.client_id == client.c.id
        )
        .correlate(client)
        .scalar_subquery()
    )
    return found if default is None else func.coalesce(found, default, type_=column.type)


_policy = (
    select(
        func.jsonb_build_object(
            "version", kyc_policy.c.version, "rules", kyc_policy.c.rules, type_=JSONB
        )
    )
    .where(kyc_policy.c.legal_entity_id == client.c.legal_entity_id)
    .order_by(kyc_policy.c.version.desc())
    .limit(1)
    .correlate(client)
    .scalar_subquery()
)
# On the client's own table, so that every client has one.
KYC = Entity(
    name="kyc",
    table=client,
    fields={
        "client_kind": client.c.kind,
        "client_status": client.c.status,
        "status": _of_standing(kyc_standing.c.status, KycStatus.NOT_STARTED.value),
        "tier": _of_standing(kyc_standing.c.tier, 0),
        "missing": _of_standing(kyc_standing.c.missing),
        "decided_at": _of_standing(kyc_standing.c.decided_at),
        "due_at": _of_standing(kyc_standing.c.due_at),
        "risk_points": _of_standing(kyc_standing.c.risk_points, 0),
        "risk_parts": _of_standing(kyc_standing.c.risk_parts),
        "risk_level": _of_standing(kyc_standing.c.risk_level, RiskLevel.LOW.value),
        "policy": _policy,
        "is_held": func.screening_holds(client.c.brand_id, client.c.id, type_=Boolean),
    },
    relations={
        "client": One("client", own="id"),
        "cases": Many("kyc_case", theirs="client_id"),
        "documents": Many("kyc_document", theirs="client_id"),
    },
    scopes=(*own_rows(client, client="id"), Through("client")),
)


def _last_said(column: Column[Any]) -> ColumnElement[Any]:
    """What the vendor said last about a case, by its own clock; empty before it said anything."""
    found = (
        select(column)
        .where(
            kyc_decision.c.brand_id == kyc_case.c.brand_id,
            kyc_decision.c.case_id == kyc_case.c.id,
            kyc_decision.c.source == DecisionSource.VENDOR.value,
        )
        .order_by(kyc_decision.c.decided_at.desc(), kyc_decision.c.ext_version.desc())
        .limit(1)
        .correlate(kyc_case)
        .scalar_subquery()
    )
    return func.coalesce(found, cast([], ARRAY(Text)), type_=ARRAY(Text))


# A proposal about papers that are not all of them any more is none.
_proposal = and_(
    kyc_proposal.c.brand_id == kyc_case.c.brand_id,
    kyc_proposal.c.case_id == kyc_case.c.id,
    kyc_proposal.c.status == ProposalStatus.OPEN.value,
    kyc_proposal.c.proposed_at >= kyc_case.c.updated_at,
)
_proposed_by = (
    select(kyc_proposal.c.proposed_by).where(_proposal).correlate(kyc_case).scalar_subquery()
)
_is_mine = VIEWER_ID.bool_op("=")(func.any(kyc_case.c.maker_ids))
# What somebody can decide now: on hold with nothing proposed, or proposed by another.
_waits_for_viewer = and_(
    ~_is_mine,
    or_(
        and_(
            kyc_case.c.status == CaseStatus.ON_HOLD.value,
            ~exists().where(_proposal).correlate(kyc_case),
        ),
        exists().where(_proposal, kyc_proposal.c.proposed_by != VIEWER_ID).correlate(kyc_case),
    ),
)
KYC_CASE = Entity(
    name="kyc_case",
    table=kyc_case,
    fields={
        **columns(kyc_case, "reference", "version", "requirement", "how", "status", "page_url"),
        **columns(kyc_case, "client_message", "created_at", "updated_at", "decided_at"),
        **columns(kyc_case, "expires_at", "maker_ids"),
        "labels": _last_said(kyc_decision.c.labels),
        "flags": _last_said(kyc_decision.c.flags),
        "proposed_by": _proposed_by,
    },
    relations={
        "client": One("client", own="client_id"),
        "decisions": Many("kyc_decision", theirs="case_id"),
        "proposals": Many("kyc_proposal", theirs="case_id"),
        "documents": Many("kyc_document", theirs="case_id"),
    },
    filters={
        "status": kyc_case.c.status,
        "requirement": kyc_case.c.requirement,
        "client_id": kyc_case.c.client_id,
        "created_at": kyc_case.c.created_at,
        "reference": kyc_case.c.reference,
        "waits_for_viewer": _waits_for_viewer,
    },
    orders={"CREATED_AT": kyc_case.c.created_at},
    default_order="-CREATED_AT",
    scopes=(*own_rows(kyc_case), Through("client")),
)
KYC_DECISION = Entity(
    name="kyc_decision",
    table=kyc_decision,
    fields={
        **columns(kyc_decision, "source", "outcome", "labels", "flags", "comment"),
        **columns(kyc_decision, "client_message", "decided_at", "recorded_at", "noticed_at"),
    },
    relations={
        "case": One("kyc_case", own="case_id"),
        "proposed_by": One("staff", own="proposed_by"),
        "decided_by": One("staff", own="decided_by"),
    },
    orders={"DECIDED_AT": kyc_decision.c.decided_at},
    default_order="DECIDED_AT",
    scopes=(Through("case"),),
)
KYC_PROPOSAL = Entity(
    name="kyc_proposal",
    table=kyc_proposal,
    fields={
        **columns(kyc_proposal, "status", "outcome", "reason", "client_message", "proposed_at"),
        **columns(kyc_proposal, "reviewed_at", "review_reason"),
    },
    relations={
        "case": One("kyc_case", own="case_id"),
        "proposed_by": One("staff", own="proposed_by"),
        "reviewed_by": One("staff", own="reviewed_by"),
    },
    orders={"PROPOSED_AT": kyc_proposal.c.proposed_at},
    default_order="PROPOSED_AT",
    scopes=(Through("case"),),
)
KYC_DOCUMENT = Entity(
    name="kyc_document",
    table=kyc_document,
    fields={
        **columns(kyc_document, "kind", "name", "media_type", "size", "status", "issued_on"),
        **columns(kyc_document, "expires_on", "created_at", "stored_at"),
    },
    relations={
        "client": One("client", own="client_id"),
        "case": One("kyc_case", own="case_id"),
    },
    orders={"CREATED_AT": kyc_document.c.created_at},
    default_order="-CREATED_AT",
    scopes=(*own_rows(kyc_document), Through("client")),
)

# The same as a table of its own, for counting clients by it.
KYC_STANDING = Entity(
    name="kyc_standing",
    table=kyc_standing,
    key="client_id",
    fields=columns(kyc_standing, "status", "tier"),
    relations={"client": One("client", own="client_id")},
    filters={"status": kyc_standing.c.status},
    scopes=(*own_rows(kyc_standing), Through("client")),
)

READS = (
    KYC,
    KYC_STANDING,
    KYC_CASE,
    KYC_DECISION,
    KYC_PROPOSAL,
    KYC_DOCUMENT,
    extend("client", "kyc", One("kyc", own="id")),
)
