"""What the API shows of brands, legal entities, staff, sessions, API tokens and the audit trail.

A brand and its legal entities are public to whoever named the brand; other brands are seen only by
whoever may list brands. Sessions are one's own. Row-level security narrows clients and ibs further.
"""

from sqlalchemy import ARRAY, Text, Uuid, exists, func, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from domain.reads import BRAND as VIEWER_BRAND
from domain.reads import VIEWER_ID, Entity, Field, RowScope, columns
from tenants.context import ActorKind
from tenants.tables import (
    audit,
    audit_seal,
    brand,
    brand_country,
    brand_host,
    brand_state,
    country,
    legal_entity,
    operator,
    session,
    staff,
    staff_role,
    token,
    trusted_document,
)
from tenants.values import SessionStatus, TokenKind

LISTS_BRANDS = "brands:list"

_hosts = select(
    func.coalesce(
        func.array_agg(aggregate_order_by(brand_host.c.host, brand_host.c.host)),
        type_coerce([], ARRAY(Text)),
        type_=ARRAY(Text),
    )
).where(brand_host.c.brand_id == brand.c.id)
_entities = select(
    func.coalesce(
        func.array_agg(brand_country.c.legal_entity_id.distinct()),
        type_coerce([], ARRAY(Uuid)),
        type_=ARRAY(Uuid),
    )
).where(brand_country.c.brand_id == brand.c.id)
_countries = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_array(
                        country.c.code,
                        country.c.name,
                        brand_country.c.allowed,
                        brand_country.c.legal_entity_id,
                    ),
                    country.c.code,
                )
            ),
            type_coerce([], JSONB),
            type_=JSONB,
        )
    )
    .select_from(brand_country.join(country, country.c.code == brand_country.c.country))
    .where(brand_country.c.brand_id == brand.c.id)
)
_offset = select(brand_state.c.clock_offset_ms).where(brand_state.c.brand_id == brand.c.id)
_policy = select(brand_state.c.document_policy).where(brand_state.c.brand_id == brand.c.id)

BRAND = Entity(
    name="brand",
    table=brand,
    fields={
        **columns(brand, "slug", "name", "status", "sandbox", "time_zone", "created_at"),
        **columns(brand, "languages", "currencies", "features", "branding"),
        "hosts": Field(_hosts.correlate(brand).scalar_subquery()),
        "legal_entity_ids": Field(_entities.correlate(brand).scalar_subquery()),
        "country_rules": Field(_countries.correlate(brand).scalar_subquery()),
        "clock_offset_ms": Field(_offset.correlate(brand).scalar_subquery()),
        "document_policy": Field(_policy.correlate(brand).scalar_subquery()),
    },
    filters={"status": brand.c.status, "sandbox": brand.c.sandbox, "slug": brand.c.slug},
    orders={"SLUG": brand.c.slug, "CREATED_AT": brand.c.created_at},
    default_order="SLUG",
    scopes=(RowScope(brand.c.id == VIEWER_BRAND, unless=LISTS_BRANDS),),
)

LEGAL_ENTITY = Entity(
    name="legal_entity",
    table=legal_entity,
    fields=columns(
        legal_entity,
        "name",
        "regulator",
        "licence_number",
        "risk_warning",
        "jurisdiction",
        "jurisdiction_version",
        "documents",
    ),
    scopes=(
        RowScope(
            exists().where(
                brand_country.c.brand_id == VIEWER_BRAND,
                brand_country.c.legal_entity_id == legal_entity.c.id,
            ),
            unless=LISTS_BRANDS,
        ),
    ),
)

_roles = select(
    func.coalesce(
        func.array_agg(aggregate_order_by(staff_role.c.role, staff_role.c.role)),
        type_coerce([], ARRAY(Text)),
        type_=ARRAY(Text),
    )
).where(staff_role.c.brand_id == staff.c.brand_id, staff_role.c.staff_id == staff.c.id)

STAFF = Entity(
    name="staff",
    table=staff,
    fields={
        **columns(staff, "name", "email", "status", "created_at"),
        "roles": Field(_roles.correlate(staff).scalar_subquery()),
    },
)

OPERATOR = Entity(name="operator", table=operator, fields=columns(operator, "name"))

SESSION = Entity(
    name="session",
    table=session,
    fields=columns(session, "status", "user_agent", "ip", "created_at", "expires_at"),
    filters={"status": session.c.status},
    orders={"CREATED_AT": session.c.created_at},
    default_order="-CREATED_AT",
    scopes=(
        RowScope(
            (session.c.actor_id == VIEWER_ID) & (session.c.status == SessionStatus.ACTIVE.value)
        ),
    ),
)

API_TOKEN = Entity(
    name="api_token",
    table=token,
    fields={
        **columns(token, "name", "scopes", "addresses", "created_at", "expires_at", "revoked_at"),
        "last_used_at": token.c.used_at,
        "brand": token.c.brand_id,
    },
    orders={"CREATED_AT": token.c.created_at},
    default_order="-CREATED_AT",
    scopes=(RowScope(token.c.kind == TokenKind.API.value),),
)

TRUSTED_DOCUMENT = Entity(
    name="trusted_document",
    table=trusted_document,
    fields={
        **columns(trusted_document, "sha256", "text", "operations", "cost"),
        **columns(trusted_document, "added_at", "added_by_kind", "added_by"),
    },
    orders={"ADDED_AT": trusted_document.c.added_at},
    default_order="-ADDED_AT",
)

_hash = select(audit_seal.c.hash).where(
    audit_seal.c.brand_id == audit.c.brand_id, audit_seal.c.seq == audit.c.seq
)

AUDIT_ENTRY = Entity(
    name="audit_entry",
    table=audit,
    fields={
        **columns(audit, "seq", "at", "actor_kind", "actor_id", "action", "outcome", "repeats"),
        **columns(audit, "object_kind", "object_id", "reason", "before", "after", "ip"),
        "request_id": audit.c.request_id,
        "on_behalf_of_id": audit.c.on_behalf_of,
        "hash": Field(_hash.correlate(audit).scalar_subquery()),
    },
    filters={
        "action": audit.c.action,
        "outcome": audit.c.outcome,
        "actor_kind": audit.c.actor_kind,
        "at": audit.c.at,
    },
    orders={"SEQ": audit.c.seq},
    default_order="-SEQ",
    # What compliance decides of suspicions is nobody else's to infer.
    scopes=(RowScope(audit.c.object_kind != "screening_hit", unless="screening:read"),),
)

READS = (BRAND, LEGAL_ENTITY, STAFF, OPERATOR, SESSION, API_TOKEN, TRUSTED_DOCUMENT, AUDIT_ENTRY)
ACTOR_ENTITIES = {
    ActorKind.OPERATOR.value: "operator",
    ActorKind.STAFF.value: "staff",
    ActorKind.CLIENT.value: "client",
    ActorKind.IB.value: "ib",
    ActorKind.TOKEN.value: "api_token",
}
"""The entity of each kind of actor that has a row; client and ib are declared above this room."""
