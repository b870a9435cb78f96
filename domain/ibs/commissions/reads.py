"""What the API shows of commissions: plans, links, invitations, accruals, statements.

Staff with the permission see the brand's; an ib sees those of itself and of what hangs below it,
and the plans in force there; a client sees nothing.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, select

from domain.clients.masks import mask_email, said_email
from domain.clients.rights import SEES_CONTACTS
from domain.clients.tables import client
from domain.ibs.commissions.tables import (
    ib_accrual,
    ib_assignment,
    ib_plan,
    ib_plan_version,
    ib_statement,
)
from domain.ibs.tables import ib, ib_invitation, ib_link
from domain.ibs.values import InvitationStatus
from domain.reads import (
    VIEWER_IB_PATH,
    Entity,
    Field,
    Many,
    Mask,
    One,
    RowScope,
    Through,
    Viewer,
    columns,
    extend,
)
from tenants.tables import brand_state


def _is_client(viewer: Viewer) -> bool:
    return viewer.client_id is not None


def _is_ib(viewer: Viewer) -> bool:
    return viewer.ib_path is not None


def _of_branch(table: Any) -> tuple[RowScope, ...]:
    """An ib sees the rows of its branch, a client none."""
    return (
        RowScope(false(), when=_is_client),
        RowScope(func.starts_with(table.c.ib_path, VIEWER_IB_PATH), when=_is_ib),
    )


def _now(brand_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """The brand's instant as works see it: the database's clock, moved in a sandbox."""
    moved = select(brand_state.c.clock_offset_ms).where(brand_state.c.brand_id == brand_id)
    seconds = moved.scalar_subquery() / literal(Decimal(1000))
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _in_force(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of the version of a plan that is in force now; null before the first begins."""
    return (
        select(column)
        .where(
            ib_plan_version.c.brand_id == ib_plan.c.brand_id,
            ib_plan_version.c.plan_id == ib_plan.c.id,
            ib_plan_version.c.from_at <= _now(ib_plan_version.c.brand_id),
        )
        .order_by(ib_plan_version.c.from_at.desc(), ib_plan_version.c.number.desc())
        .limit(1)
        .correlate(ib_plan)
        .scalar_subquery()
    )


PLAN_OF_IB = (
    select(ib_assignment.c.plan_id)
    .where(
        ib_assignment.c.brand_id == ib.c.brand_id,
        ib_assignment.c.ib_id == ib.c.id,
        ib_assignment.c.from_at <= _now(ib_assignment.c.brand_id),
    )
    .order_by(ib_assignment.c.from_at.desc())
    .limit(1)
    .correlate(ib)
    .scalar_subquery()
)
_used_in_branch = exists().where(
    ib_assignment.c.brand_id == ib_plan.c.brand_id,
    ib_assignment.c.plan_id == ib_plan.c.id,
    func.starts_with(ib_assignment.c.ib_path, VIEWER_IB_PATH),
)
IB_PLAN = Entity(
    name="ib_plan",
    table=ib_plan,
    fields={
        **columns(ib_plan, "name", "version", "created_at"),
        "number": _in_force(ib_plan_version.c.number),
        "terms": _in_force(ib_plan_version.c.terms),
    },
    relations={"versions": Many("ib_plan_version", theirs="plan_id")},
    filters={"name": ib_plan.c.name},
    orders={"NAME": ib_plan.c.name, "CREATED_AT": ib_plan.c.created_at},
    default_order="NAME",
    scopes=(RowScope(false(), when=_is_client), RowScope(_used_in_branch, when=_is_ib)),
)
IB_PLAN_VERSION = Entity(
    name="ib_plan_version",
    table=ib_plan_version,
    fields=columns(ib_plan_version, "number", "from_at", "terms", "created_at"),
    relations={"plan": One("ib_plan", own="plan_id")},
    orders={"NUMBER": ib_plan_version.c.number},
    default_order="-NUMBER",
    scopes=(Through("plan"),),
)
_came_by = (
    select(func.count())
    .where(
        client.c.brand_id == ib_link.c.brand_id,
        client.c.ib_path == ib_link.c.ib_path,
        client.c.ib_link_id == ib_link.c.id,
    )
    .correlate(ib_link)
    .scalar_subquery()
)
IB_LINK = Entity(
    name="ib_link",
    table=ib_link,
    fields={
        **columns(ib_link, "code", "campaign", "created_at"),
        "client_count": _came_by,
    },
    relations={"ib": One("ib", own="ib_id")},
    orders={"CREATED_AT": ib_link.c.created_at},
    default_order="-CREATED_AT",
    scopes=_of_branch(ib_link),
)
_EXPIRED = literal(InvitationStatus.EXPIRED.value)
_is_over = ib_invitation.c.expires_at <= _now(ib_invitation.c.brand_id)
IB_INVITATION = Entity(
    name="ib_invitation",
    table=ib_invitation,
    fields={
        **columns(ib_invitation, "name", "created_at", "expires_at"),
        "email": Field(ib_invitation.c.email, Mask(SEES_CONTACTS, mask_email, said_email)),
        "status": case(
            (and_(ib_invitation.c.status == InvitationStatus.SENT.value, _is_over), _EXPIRED),
            else_=ib_invitation.c.status,
        ),
    },
    relations={
        "ib": One("ib", own="ib_id"),
        "accepted_by": One("ib", own="accepted_id"),
    },
    orders={"CREATED_AT": ib_invitation.c.created_at},
    default_order="-CREATED_AT",
    scopes=_of_branch(ib_invitation),
)
_of_version = (
    ib_plan_version.c.brand_id == ib_accrual.c.brand_id,
    ib_plan_version.c.id == ib_accrual.c.plan_version_id,
)
_plan_name = (
    select(ib_plan.c.name)
    .join(
        ib_plan_version,
        (ib_plan.c.brand_id == ib_plan_version.c.brand_id)
        & (ib_plan.c.id == ib_plan_version.c.plan_id),
    )
    .where(*_of_version)
    .correlate(ib_accrual)
    .scalar_subquery()
)
_plan_number = (
    select(ib_plan_version.c.number).where(*_of_version).correlate(ib_accrual).scalar_subquery()
)
IB_ACCRUAL = Entity(
    name="ib_accrual",
    table=ib_accrual,
    fields={
        **columns(ib_accrual, "component", "tier", "lots", "rate", "currency", "amount_minor"),
        **columns(ib_accrual, "plan_currency", "plan_minor", "fx_rate", "status", "grounds"),
        **columns(ib_accrual, "deal_id", "deal_at", "payable_at", "created_at", "place_version"),
        **columns(ib_accrual, "plan_version_id", "reverses_id", "payable_since"),
        "plan_name": _plan_name,
        "plan_number": _plan_number,
    },
    relations={
        "ib": One("ib", own="ib_id"),
        "client": One("client", own="client_id"),
        "deal": One("deal", own="deal_id"),
        "reverses": One("ib_accrual", own="reverses_id"),
        "statement": One("ib_statement", own="statement_id"),
    },
    filters={
        "ib_id": ib_accrual.c.ib_id,
        "client_id": ib_accrual.c.client_id,
        "deal_id": ib_accrual.c.deal_id,
        "status": ib_accrual.c.status,
        "component": ib_accrual.c.component,
        "tier": ib_accrual.c.tier,
        "currency": ib_accrual.c.currency,
        "at": ib_accrual.c.deal_at,
    },
    orders={"AT": ib_accrual.c.deal_at},
    default_order="-AT",
    scopes=_of_branch(ib_accrual),
)
IB_STATEMENT = Entity(
    name="ib_statement",
    table=ib_statement,
    fields=columns(
        ib_statement, "month", "currency", "accrued_minor", "reversed_minor", "accruals",
        "created_at",
    ),
    relations={
        "ib": One("ib", own="ib_id"),
        "lines": Many("ib_accrual", theirs="statement_id"),
    },
    filters={"month": ib_statement.c.month, "currency": ib_statement.c.currency},
    orders={"MONTH": ib_statement.c.month},
    default_order="-MONTH",
    scopes=_of_branch(ib_statement),
)  # fmt: skip

READS = (
    IB_PLAN,
    IB_PLAN_VERSION,
    IB_LINK,
    IB_INVITATION,
    IB_ACCRUAL,
    IB_STATEMENT,
    extend("ib", "links", Many("ib_link", theirs="ib_id")),
    extend("ib", "invitations", Many("ib_invitation", theirs="ib_id")),
    extend("ib", "accruals", Many("ib_accrual", theirs="ib_id")),
    extend("ib", "statements", Many("ib_statement", theirs="ib_id")),
)
