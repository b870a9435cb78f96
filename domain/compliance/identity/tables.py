"""Tables of identity. Ibs see none of them; what a vendor found out is for staff alone."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.compliance.identity.values import (
    CaseStatus,
    DecisionSource,
    DocumentKind,
    DocumentStatus,
    How,
    KycConnectionStatus,
    KycStatus,
    KycVendorKind,
    MediaType,
    ProposalStatus,
)
from domain.compliance.risk.values import RiskLevel
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


def _of_client() -> tuple[Any, ...]:
    return (
        uuid_column("client_id"),
        text_column("ib_path", default=""),
        ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    )


def _of_case() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["brand_id", "case_id"], ["kyc_case.brand_id", "kyc_case.id"])


def _makers() -> Column[Any]:
    return Column("maker_ids", ARRAY(PgUUID(as_uuid=True)), nullable=False, server_default="{}")


def _texts(name: str) -> Column[Any]:
    return Column(name, ARRAY(Text), nullable=False, server_default=text("'{}'"))


# What a legal entity asks of its clients, as data; a new version is a new row, the highest holds.
kyc_policy = shared_table(
    "kyc_policy",
    Column(
        "legal_entity_id",
        PgUUID(as_uuid=True),
        ForeignKey("legal_entity.id"),
        primary_key=True,
    ),
    Column("version", Integer, primary_key=True),
    Column("rules", JSONB, nullable=False),
    text_column("source"),
    Column("reviewed_on", Date, nullable=False),
    place="reference",
)
# A brand's account at a KYC vendor. Secrets are sealed (`tenants.secrets.Vault`).
kyc_connection = brand_table(
    "kyc_connection",
    id_column(),
    Column("legal_entity_id", PgUUID(as_uuid=True), ForeignKey("legal_entity.id"), nullable=False),
    text_column("name"),
    text_column("kind"),
    text_column("endpoint"),
    text_column("status"),
    Column("api_key_cipher", LargeBinary, nullable=False),
    Column("notice_secrets_cipher", LargeBinary, nullable=False),
    time_column("created_at"),
    UniqueConstraint("brand_id", "name"),
    one_of("kind", KycVendorKind),
    one_of("status", KycConnectionStatus),
    visible_to="brand",
)
# The proof of one requirement by one client. Its status follows from `kyc_decision`.
kyc_case = brand_table(
    "kyc_case",
    id_column(),
    *_of_client(),
    text_column("reference"),
    Column("version", Integer, nullable=False),
    text_column("requirement"),
    text_column("how"),
    text_column("status"),
    uuid_column("connection_id", nullable=True),
    text_column("level"),
    text_column("ext_id", nullable=True),
    text_column("return_url", nullable=True),
    text_column("page_url", nullable=True),
    # What the client is told; never what was found out.
    text_column("client_message", nullable=True),
    Column("policy_version", Integer, nullable=False),
    # Who brought the papers: none of them decides.
    _makers(),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("decided_at", nullable=True),
    time_column("expires_at", nullable=True),
    # When the client was last reminded that it is about to lapse.
    time_column("warned_at", nullable=True),
    ForeignKeyConstraint(
        ["brand_id", "connection_id"], ["kyc_connection.brand_id", "kyc_connection.id"]
    ),
    UniqueConstraint("brand_id", "reference"),
    UniqueConstraint("brand_id", "connection_id", "ext_id"),
    one_of("how", How),
    one_of("status", CaseStatus),
    brand_index("client_id", "created_at", "id"),
    brand_index("created_at", "id"),
    brand_index("status", "created_at", "id"),
    brand_index("status", "expires_at"),
    brand_index("requirement", "created_at", "id"),
    visible_to="own",
)
# Everything that was said about a case, never changed. `decided_at` is by the clock of who said
# it; a vendor's `ext_version` is recorded once, however often it is told.
kyc_decision = brand_table(
    "kyc_decision",
    id_column(),
    uuid_column("case_id"),
    uuid_column("client_id"),
    text_column("source"),
    text_column("outcome"),
    _texts("labels"),
    _texts("flags"),
    text_column("comment", nullable=True),
    text_column("client_message", nullable=True),
    Column("ext_version", Integer, nullable=True),
    uuid_column("proposed_by", nullable=True),
    uuid_column("decided_by", nullable=True),
    time_column("decided_at"),
    time_column("recorded_at"),
    # When the notice that led to it came in.
    time_column("noticed_at", nullable=True),
    _of_case(),
    UniqueConstraint("brand_id", "case_id", "ext_version"),
    one_of("source", DecisionSource),
    one_of("outcome", CaseStatus),
    brand_index("case_id", "decided_at"),
    visible_to="staff",
    app="select, insert",
    worker="select, insert",
)
# A decision that waits for a second person.
kyc_proposal = brand_table(
    "kyc_proposal",
    id_column(),
    uuid_column("case_id"),
    uuid_column("client_id"),
    text_column("status"),
    text_column("outcome"),
    text_column("reason"),
    text_column("client_message", nullable=True),
    uuid_column("proposed_by"),
    time_column("proposed_at"),
    uuid_column("reviewed_by", nullable=True),
    time_column("reviewed_at", nullable=True),
    text_column("review_reason", nullable=True),
    _of_case(),
    ForeignKeyConstraint(["brand_id", "proposed_by"], ["staff.brand_id", "staff.id"]),
    ForeignKeyConstraint(["brand_id", "reviewed_by"], ["staff.brand_id", "staff.id"]),
    one_of("status", ProposalStatus),
    one_of("outcome", CaseStatus),
    CheckConstraint("reviewed_by <> proposed_by", name="four_eyes"),
    Index(
        "uq_kyc_proposal_open",
        "brand_id",
        "case_id",
        unique=True,
        postgresql_where=text("status = 'OPEN'"),
    ),
    brand_index("case_id", "proposed_at"),
    visible_to="staff",
)
kyc_document = brand_table(
    "kyc_document",
    id_column(),
    *_of_client(),
    uuid_column("case_id", nullable=True),
    text_column("kind"),
    text_column("name"),
    text_column("media_type"),
    Column("size", Integer, nullable=False),
    text_column("digest", nullable=True),
    text_column("status"),
    Column("issued_on", Date, nullable=True),
    Column("expires_on", Date, nullable=True),
    _makers(),
    time_column("created_at"),
    time_column("stored_at", nullable=True),
    _of_case(),
    one_of("kind", DocumentKind),
    one_of("media_type", MediaType),
    one_of("status", DocumentStatus),
    CheckConstraint("size > 0", name="size"),
    CheckConstraint("(status = 'STORED') = (stored_at is not null)", name="stored"),
    brand_index("client_id", "created_at", "id"),
    brand_index("case_id", "created_at", "id"),
    visible_to="own",
)
# The bytes, sealed, apart from what lists read; written once.
kyc_document_content = brand_table(
    "kyc_document_content",
    id_column("document_id"),
    *_of_client(),
    Column("content_cipher", LargeBinary, nullable=False),
    ForeignKeyConstraint(["brand_id", "document_id"], ["kyc_document.brand_id", "kyc_document.id"]),
    visible_to="own",
    app="select, insert",
    worker="select, insert, delete",
)
# What all cases of a client come to, written by whatever changes one of them.
kyc_standing = brand_table(
    "kyc_standing",
    id_column("client_id"),
    text_column("ib_path", default=""),
    text_column("status"),
    Column("tier", Integer, nullable=False),
    _texts("missing"),
    Column("policy_version", Integer, nullable=False),
    Column("risk_points", Integer, nullable=False),
    Column("risk_parts", JSONB, nullable=False),
    text_column("risk_level"),
    time_column("decided_at", nullable=True),
    time_column("due_at", nullable=True),
    time_column("updated_at"),
    ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    one_of("status", KycStatus),
    one_of("risk_level", RiskLevel),
    brand_index("status", "client_id"),
    brand_index("due_at"),
    visible_to="own",
)
