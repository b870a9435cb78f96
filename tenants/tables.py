"""Tables of brands, staff, sessions, rights and the logs. Placement is in each table's `info`."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tenants.context import ActorKind
from tenants.database import (
    brand_index,
    brand_table,
    id_column,
    one_of,
    shared_table,
    text_column,
    time_column,
    uuid_column,
)
from tenants.values import (
    BrandStatus,
    DocumentPolicy,
    Outcome,
    SessionStatus,
    StaffStatus,
    TokenKind,
)

_EMPTY = text("'{}'")

brand = shared_table(
    "brand",
    id_column(),
    Column("slug", Text, nullable=False, unique=True),
    text_column("name"),
    text_column("status"),
    Column("sandbox", Boolean, nullable=False),
    text_column("time_zone"),
    Column("languages", ARRAY(Text), nullable=False),
    Column("currencies", ARRAY(Text), nullable=False),
    Column("features", ARRAY(Text), nullable=False),
    Column("branding", JSONB, nullable=False),
    time_column("created_at"),
    one_of("status", BrandStatus),
    place="reference",
)
brand_host = shared_table(
    "brand_host",
    Column("host", Text, primary_key=True),
    Column("brand_id", ForeignKey("brand.id"), nullable=False),
    place="reference",
)
asset = shared_table(
    "asset",
    Column("code", Text, primary_key=True),
    text_column("name"),
    Column("scale", Integer, nullable=False),
    text_column("network", nullable=True),
    CheckConstraint("scale between 0 and 18", name="scale"),
    place="reference",
)
country = shared_table(
    "country", Column("code", Text, primary_key=True), text_column("name"), place="reference"
)
jurisdiction = shared_table(
    "jurisdiction",
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    text_column("name"),
    Column("policy", JSONB, nullable=False),
    place="reference",
)
legal_entity = shared_table(
    "legal_entity",
    id_column(),
    text_column("name"),
    text_column("regulator"),
    text_column("licence_number", nullable=True),
    text_column("risk_warning", nullable=True),
    text_column("jurisdiction"),
    Column("jurisdiction_version", Integer, nullable=False),
    Column("documents", JSONB, nullable=False),
    ForeignKeyConstraint(
        ["jurisdiction", "jurisdiction_version"], ["jurisdiction.code", "jurisdiction.version"]
    ),
    place="reference",
)
brand_country = shared_table(
    "brand_country",
    Column("brand_id", ForeignKey("brand.id"), primary_key=True),
    Column("country", ForeignKey("country.code"), primary_key=True),
    Column("legal_entity_id", ForeignKey("legal_entity.id"), nullable=False),
    Column("allowed", Boolean, nullable=False),
    place="reference",
)
operator = shared_table(
    "operator", id_column(), Column("email", Text, nullable=False, unique=True),
    text_column("name"), time_column("created_at"), place="local",
)  # fmt: skip
operator_token = shared_table(
    "operator_token",
    id_column(),
    Column("operator_id", ForeignKey("operator.id"), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    time_column("created_at"),
    time_column("expires_at"),
    time_column("revoked_at", nullable=True),
    place="local",
)

brand_state = brand_table(
    "brand_state",
    Column("policy_version", Integer, nullable=False),
    Column("clock_offset_ms", BigInteger, nullable=False),
    text_column("document_policy", default=DocumentPolicy.OFF),
    # Counts what changed about trusted documents, so that processes know when to read the list.
    Column("documents_version", Integer, nullable=False, server_default=text("0")),
    one_of("document_policy", DocumentPolicy),
    visible_to="brand",
)
trusted_document = brand_table(
    "trusted_document",
    id_column(),
    text_column("sha256"),
    text_column("text"),
    # Names of operations, by spaces.
    text_column("operations"),
    Column("cost", Integer, nullable=False),
    text_column("added_by_kind"),
    uuid_column("added_by", nullable=True),
    time_column("added_at"),
    UniqueConstraint("brand_id", "sha256"),
    CheckConstraint("sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex')", name="sha256"),
    one_of("added_by_kind", ActorKind),
    brand_index("added_at", "id"),
    visible_to="staff",
    app="select, insert, delete",
    worker="select, insert",
)
brand_head = brand_table(
    "brand_head",
    Column("event_seq", BigInteger, nullable=False),
    Column("audit_seq", BigInteger, nullable=False),
    visible_to="brand",
)
brand_counter = brand_table(
    "brand_counter",
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    visible_to="brand",
)
publishable_key = brand_table(
    "publishable_key",
    id_column(),
    text_column("name"),
    Column("origins", ARRAY(Text), nullable=False),
    time_column("created_at"),
    time_column("revoked_at", nullable=True),
    visible_to="brand",
)
casbin_rule = brand_table(
    "casbin_rule",
    id_column(),
    text_column("ptype"),
    *(text_column(f"v{n}", default="") for n in range(6)),
    visible_to="brand",
)
staff = brand_table(
    "staff",
    id_column(),
    text_column("name"),
    text_column("email"),
    text_column("status"),
    time_column("created_at"),
    UniqueConstraint("brand_id", "email"),
    one_of("status", StaffStatus),
    visible_to="staff",
)
staff_role = brand_table(
    "staff_role",
    id_column("staff_id"),
    Column("role", Text, primary_key=True),
    ForeignKeyConstraint(["brand_id", "staff_id"], ["staff.brand_id", "staff.id"]),
    visible_to="staff",
    app="select, insert, delete",
)
credential = brand_table(
    "credential",
    Column("actor_kind", Text, primary_key=True),
    id_column("actor_id"),
    text_column("email"),
    text_column("password_hash"),
    time_column("changed_at"),
    UniqueConstraint("brand_id", "actor_kind", "email"),
    one_of("actor_kind", ActorKind),
    visible_to="staff",
)
session = brand_table(
    "session",
    id_column(),
    text_column("actor_kind"),
    uuid_column("actor_id"),
    uuid_column("client_id", nullable=True),
    text_column("ib_path", default=""),
    text_column("status"),
    text_column("user_agent", nullable=True),
    text_column("ip", nullable=True),
    time_column("created_at"),
    time_column("expires_at"),
    time_column("revoked_at", nullable=True),
    one_of("status", SessionStatus),
    one_of("actor_kind", ActorKind),
    brand_index("actor_kind", "actor_id", "created_at"),
    visible_to="client",
)
token = brand_table(
    "token",
    id_column(),
    text_column("kind"),
    text_column("actor_kind"),
    uuid_column("actor_id"),
    uuid_column("session_id", nullable=True),
    uuid_column("client_id", nullable=True),
    text_column("ib_path", default=""),
    text_column("name", default=""),
    # The person who made an API token, also where a token made it.
    uuid_column("issued_by", nullable=True),
    Column("scopes", ARRAY(Text), nullable=False, server_default=_EMPTY),
    Column("addresses", ARRAY(Text), nullable=False, server_default=_EMPTY),
    Column("secret_hash", LargeBinary, nullable=False),
    time_column("created_at"),
    time_column("expires_at"),
    time_column("used_at", nullable=True),
    time_column("revoked_at", nullable=True),
    one_of("kind", TokenKind),
    one_of("actor_kind", ActorKind),
    ForeignKeyConstraint(["brand_id", "session_id"], ["session.brand_id", "session.id"]),
    brand_index("session_id"),
    brand_index("actor_kind", "actor_id", "kind"),
    visible_to="client",
)
throttle = brand_table(
    "throttle",
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    time_column("blocked_until", nullable=True),
    time_column("updated_at"),
    visible_to="brand",
    app="select, insert, update, delete",
)
idempotency = brand_table(
    "idempotency",
    Column("actor_kind", Text, primary_key=True),
    id_column("actor_id"),
    Column("operation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    text_column("outcome"),
    Column("answer", LargeBinary, nullable=True),
    time_column("created_at"),
    one_of("outcome", Outcome),
    brand_index("created_at"),
    visible_to="brand",
)
event = brand_table(
    "event",
    Column("seq", BigInteger, primary_key=True),
    time_column("at"),
    text_column("topic"),
    text_column("kind"),
    Column("version", Integer, nullable=False),
    uuid_column("client_id", nullable=True),
    text_column("ib_path", default=""),
    uuid_column("object_id", nullable=True),
    text_column("actor_kind"),
    uuid_column("actor_id", nullable=True),
    Column("payload", JSONB, nullable=False),
    brand_index("client_id", "seq"),
    brand_index("topic", "seq"),
    visible_to="client",
    app="select, insert",
    worker="select, insert",
)
audit = brand_table(
    "audit",
    Column("seq", BigInteger, primary_key=True),
    uuid_column("id"),
    time_column("at"),
    text_column("actor_kind"),
    uuid_column("actor_id", nullable=True),
    uuid_column("on_behalf_of", nullable=True),
    uuid_column("token_id", nullable=True),
    text_column("action"),
    text_column("object_kind", default=""),
    uuid_column("object_id", nullable=True),
    text_column("outcome"),
    Column("repeats", Integer, nullable=False, server_default=text("1")),
    text_column("reason", nullable=True),
    Column("before", JSONB, nullable=True),
    Column("after", JSONB, nullable=True),
    text_column("ip", nullable=True),
    text_column("request_id", default=""),
    UniqueConstraint("brand_id", "id"),
    one_of("outcome", Outcome),
    brand_index("object_id", "seq"),
    brand_index("action", "seq"),
    brand_index("actor_kind", "seq"),
    brand_index("outcome", "seq"),
    brand_index("at", "seq"),
    visible_to="log",
    app="select, insert",
    worker="select, insert",
)
audit_seal = brand_table(
    "audit_seal",
    Column("seq", BigInteger, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    ForeignKeyConstraint(["brand_id", "seq"], ["audit.brand_id", "audit.seq"]),
    visible_to="staff",
    app="select",
    worker="select, insert",
)
consumer_cursor = brand_table(
    "consumer_cursor",
    Column("consumer", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    time_column("updated_at"),
    visible_to="staff",
    app="select",
)
