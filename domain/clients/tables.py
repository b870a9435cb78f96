"""Tables of clients. A client's rows carry `client_id` and `ib_path` for row-level security."""

from sqlalchemy import (
    ARRAY,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.clients.values import ClientKind, ClientRisk, ClientStatus, SearchKind
from tenants.database import (
    brand_index,
    brand_table,
    id_column,
    one_of,
    text_column,
    time_column,
    uuid_column,
)

client = brand_table(
    "client",
    id_column(),
    text_column("reference"),
    Column("version", Integer, nullable=False),
    text_column("kind"),
    text_column("status"),
    text_column("risk", default="LOW"),
    Column("legal_entity_id", PgUUID(as_uuid=True), ForeignKey("legal_entity.id"), nullable=False),
    uuid_column("ib_id", nullable=True),
    Column("ib_path", Text(collation="C"), nullable=False, server_default=""),
    # The link of the ib that it came by; the ibs' own, so no reference from here.
    uuid_column("ib_link_id", nullable=True),
    uuid_column("owner_id", nullable=True),
    text_column("name"),
    text_column("email"),
    text_column("phone", nullable=True),
    text_column("country"),
    text_column("language"),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    time_column("email_verified_at", nullable=True),
    time_column("created_at"),
    UniqueConstraint("brand_id", "reference"),
    UniqueConstraint("brand_id", "email"),
    ForeignKeyConstraint(["brand_id", "owner_id"], ["staff.brand_id", "staff.id"]),
    ForeignKeyConstraint(["brand_id", "ib_id"], ["ib.brand_id", "ib.id"]),
    one_of("kind", ClientKind),
    one_of("status", ClientStatus),
    one_of("risk", ClientRisk),
    brand_index("created_at", "id"),
    brand_index("status", "created_at", "id"),
    brand_index("name", "id"),
    brand_index("owner_id", "created_at", "id"),
    # With all that row security asks for, so that an ib's clients are counted in the index alone.
    brand_index("ib_id", "created_at", "id", include=("ib_path",)),
    brand_index("ib_path"),
    brand_index("kind", "created_at", "id"),
    brand_index("country", "created_at", "id"),
    visible_to="client",
    client_column="id",
)
# Search by part: every suffix of what a client is looked for by, bounded in length and number by
# `rules.search_entries`. `kind` says which field it came from, so that whoever sees that field
# masked can't search it.
client_search = brand_table(
    "client_search",
    Column("suffix", Text(collation="C"), primary_key=True),
    id_column("client_id"),
    Column("kind", Text, primary_key=True),
    text_column("ib_path", default=""),
    ForeignKeyConstraint(
        ["brand_id", "client_id"], ["client.brand_id", "client.id"], ondelete="CASCADE"
    ),
    one_of("kind", SearchKind),
    brand_index("client_id", "kind"),
    visible_to="client",
    app="select, insert, delete",
)
client_note = brand_table(
    "client_note",
    id_column(),
    uuid_column("client_id"),
    uuid_column("author_id", nullable=True),
    text_column("body"),
    time_column("created_at"),
    ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    ForeignKeyConstraint(["brand_id", "author_id"], ["staff.brand_id", "staff.id"]),
    brand_index("client_id", "created_at", "id"),
    visible_to="staff",
)
