"""Brands, rights and the logs."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from tenants.isolation import grant, isolate, role

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asset",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scale", sa.Integer(), nullable=False),
        sa.Column("network", sa.Text(), nullable=True),
        sa.CheckConstraint("scale between 0 and 18", name=op.f("ck_asset_scale")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_asset")),
    )
    grant("asset")
    op.create_table(
        "audit",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=True),
        sa.Column("on_behalf_of", sa.UUID(), nullable=True),
        sa.Column("token_id", sa.UUID(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("object_id", sa.UUID(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("repeats", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "outcome in ('DONE', 'REFUSED', 'DENIED')", name=op.f("ck_audit_outcome")
        ),
        sa.PrimaryKeyConstraint("brand_id", "seq", name=op.f("pk_audit")),
        sa.UniqueConstraint("brand_id", "id", name=op.f("uq_audit_brand_id_id")),
    )
    op.create_index(
        op.f("ix_audit_brand_id_object_id_seq"),
        "audit",
        ["brand_id", "object_id", "seq"],
        unique=False,
    )
    isolate("audit", visible_to="log", app="select, insert", worker="select, insert")
    op.create_table(
        "brand",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("languages", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("currencies", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("features", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("branding", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status in ('ACTIVE', 'SUSPENDED')", name=op.f("ck_brand_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand")),
        sa.UniqueConstraint("slug", name=op.f("uq_brand_slug")),
    )
    grant("brand")
    op.create_table(
        "brand_counter",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "name", name=op.f("pk_brand_counter")),
    )
    isolate("brand_counter", visible_to="brand")
    op.create_table(
        "brand_head",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("audit_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_brand_head")),
    )
    isolate("brand_head", visible_to="brand")
    op.create_table(
        "brand_state",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_brand_state")),
    )
    isolate("brand_state", visible_to="brand")
    op.create_table(
        "casbin_rule",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("ptype", sa.Text(), nullable=False),
        sa.Column("v0", sa.Text(), server_default="", nullable=False),
        sa.Column("v1", sa.Text(), server_default="", nullable=False),
        sa.Column("v2", sa.Text(), server_default="", nullable=False),
        sa.Column("v3", sa.Text(), server_default="", nullable=False),
        sa.Column("v4", sa.Text(), server_default="", nullable=False),
        sa.Column("v5", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_casbin_rule")),
    )
    isolate("casbin_rule", visible_to="brand")
    op.create_table(
        "consumer_cursor",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "consumer", name=op.f("pk_consumer_cursor")),
    )
    isolate("consumer_cursor", visible_to="staff", app="select")
    op.create_table(
        "country",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_country")),
    )
    grant("country")
    op.create_table(
        "credential",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "actor_kind in ('OPERATOR', 'STAFF', 'CLIENT', 'IB', 'TOKEN', 'SYSTEM', 'ANONYMOUS')",
            name=op.f("ck_credential_actor_kind"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "actor_kind", "actor_id", name=op.f("pk_credential")),
        sa.UniqueConstraint(
            "brand_id", "actor_kind", "email", name=op.f("uq_credential_brand_id_actor_kind_email")
        ),
    )
    isolate("credential", visible_to="staff")
    op.create_table(
        "event",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=True),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("object_id", sa.UUID(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "seq", name=op.f("pk_event")),
    )
    op.create_index(
        op.f("ix_event_brand_id_client_id_seq"),
        "event",
        ["brand_id", "client_id", "seq"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_brand_id_topic_seq"), "event", ["brand_id", "topic", "seq"], unique=False
    )
    isolate("event", visible_to="client", app="select, insert", worker="select, insert")
    op.create_table(
        "idempotency",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome in ('DONE', 'REFUSED', 'DENIED')", name=op.f("ck_idempotency_outcome")
        ),
        sa.PrimaryKeyConstraint(
            "brand_id", "actor_kind", "actor_id", "operation", "key", name=op.f("pk_idempotency")
        ),
    )
    op.create_index(
        op.f("ix_idempotency_brand_id_created_at"),
        "idempotency",
        ["brand_id", "created_at"],
        unique=False,
    )
    isolate("idempotency", visible_to="brand")
    op.create_table(
        "jurisdiction",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_jurisdiction")),
    )
    grant("jurisdiction")
    op.create_table(
        "operator",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator")),
        sa.UniqueConstraint("email", name=op.f("uq_operator_email")),
    )
    grant("operator")
    op.create_table(
        "publishable_key",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origins", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_publishable_key")),
    )
    isolate("publishable_key", visible_to="brand")
    op.create_table(
        "session",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=True),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "actor_kind in ('OPERATOR', 'STAFF', 'CLIENT', 'IB', 'TOKEN', 'SYSTEM', 'ANONYMOUS')",
            name=op.f("ck_session_actor_kind"),
        ),
        sa.CheckConstraint("status in ('ACTIVE', 'REVOKED')", name=op.f("ck_session_status")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_session")),
    )
    op.create_index(
        op.f("ix_session_brand_id_actor_kind_actor_id_created_at"),
        "session",
        ["brand_id", "actor_kind", "actor_id", "created_at"],
        unique=False,
    )
    isolate("session", visible_to="client")
    op.create_table(
        "staff",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status in ('ACTIVE', 'DISABLED')", name=op.f("ck_staff_status")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_staff")),
        sa.UniqueConstraint("brand_id", "email", name=op.f("uq_staff_brand_id_email")),
    )
    isolate("staff", visible_to="staff")
    op.create_table(
        "throttle",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "key", name=op.f("pk_throttle")),
    )
    isolate("throttle", visible_to="brand", app="select, insert, update, delete")
    op.create_table(
        "audit_seal",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "seq"],
            ["audit.brand_id", "audit.seq"],
            name=op.f("fk_audit_seal_brand_id_seq"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "seq", name=op.f("pk_audit_seal")),
    )
    isolate("audit_seal", visible_to="staff", app="select", worker="select, insert")
    op.create_table(
        "brand_host",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_brand_host_brand_id")),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_brand_host")),
    )
    grant("brand_host")
    op.create_table(
        "legal_entity",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("regulator", sa.Text(), nullable=False),
        sa.Column("licence_number", sa.Text(), nullable=True),
        sa.Column("risk_warning", sa.Text(), nullable=True),
        sa.Column("jurisdiction", sa.Text(), nullable=False),
        sa.Column("jurisdiction_version", sa.Integer(), nullable=False),
        sa.Column("documents", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction", "jurisdiction_version"],
            ["jurisdiction.code", "jurisdiction.version"],
            name=op.f("fk_legal_entity_jurisdiction_jurisdiction_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_entity")),
    )
    grant("legal_entity")
    op.create_table(
        "operator_token",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("operator_id", sa.UUID(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operator.id"], name=op.f("fk_operator_token_operator_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_token")),
    )
    grant("operator_token")
    op.create_table(
        "staff_role",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_staff_role_brand_id_staff_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "staff_id", "role", name=op.f("pk_staff_role")),
    )
    isolate("staff_role", visible_to="staff", app="select, insert, delete")
    op.create_table(
        "token",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=True),
        sa.Column("client_id", sa.UUID(), nullable=True),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("addresses", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "actor_kind in ('OPERATOR', 'STAFF', 'CLIENT', 'IB', 'TOKEN', 'SYSTEM', 'ANONYMOUS')",
            name=op.f("ck_token_actor_kind"),
        ),
        sa.CheckConstraint(
            "kind in ('ACCESS', 'REFRESH', 'API', 'VERIFY', 'RESET')", name=op.f("ck_token_kind")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "session_id"],
            ["session.brand_id", "session.id"],
            name=op.f("fk_token_brand_id_session_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_token")),
    )
    op.create_index(
        op.f("ix_token_brand_id_actor_kind_actor_id_kind"),
        "token",
        ["brand_id", "actor_kind", "actor_id", "kind"],
        unique=False,
    )
    op.create_index(
        op.f("ix_token_brand_id_session_id"), "token", ["brand_id", "session_id"], unique=False
    )
    isolate("token", visible_to="client")
    op.create_table(
        "brand_country",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("legal_entity_id", sa.UUID(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_brand_country_brand_id")),
        sa.ForeignKeyConstraint(
            ["country"], ["country.code"], name=op.f("fk_brand_country_country")
        ),
        sa.ForeignKeyConstraint(
            ["legal_entity_id"], ["legal_entity.id"], name=op.f("fk_brand_country_legal_entity_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "country", name=op.f("pk_brand_country")),
    )
    grant("brand_country")
    op.execute(f"create policy heads on brand_head for select to {role('worker')} using (true)")


def downgrade() -> None:
    op.drop_table("brand_country")
    op.drop_table("token")
    op.drop_table("staff_role")
    op.drop_table("operator_token")
    op.drop_table("legal_entity")
    op.drop_table("brand_host")
    op.drop_table("audit_seal")
    op.drop_table("throttle")
    op.drop_table("staff")
    op.drop_table("session")
    op.drop_table("publishable_key")
    op.drop_table("operator")
    op.drop_table("jurisdiction")
    op.drop_table("idempotency")
    op.drop_table("event")
    op.drop_table("credential")
    op.drop_table("country")
    op.drop_table("consumer_cursor")
    op.drop_table("casbin_rule")
    op.drop_table("brand_state")
    op.drop_table("brand_head")
    op.drop_table("brand_counter")
    op.drop_table("brand")
    op.drop_table("audit")
    op.drop_table("asset")
