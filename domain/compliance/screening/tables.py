"""Tables of screening. Lists are the same for every brand; hits are a brand's, for staff alone."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.compliance.screening.values import (
    Disposition,
    HitStrength,
    ListedKind,
    NameKind,
    SanctionsList,
)
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

# One row for each version of a list that was imported. `number` rises with every import that
# changed something, so that who screened with which lists can be told from one figure.
sanctions_version = shared_table(
    "sanctions_version",
    Column("list", Text, primary_key=True),
    Column("published_on", Date, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),
    text_column("digest"),
    Column("entries", Integer, nullable=False),
    Column("names", Integer, nullable=False),
    time_column("imported_at"),
    one_of("list", SanctionsList),
    place="reference",
)
# Kept when a list drops it, since hits speak of it: `last_on` is then older than the list.
sanctions_entry = shared_table(
    "sanctions_entry",
    id_column(),
    text_column("list"),
    text_column("ref"),
    text_column("kind"),
    text_column("program"),
    text_column("remarks"),
    Column("first_on", Date, nullable=False),
    Column("last_on", Date, nullable=False),
    UniqueConstraint("list", "ref"),
    one_of("list", SanctionsList),
    one_of("kind", ListedKind),
    place="reference",
)
sanctions_name = shared_table(
    "sanctions_name",
    Column("entry_id", PgUUID(as_uuid=True), ForeignKey("sanctions_entry.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    text_column("kind"),
    text_column("name"),
    one_of("kind", NameKind),
    place="reference",
)
screening_hit = brand_table(
    "screening_hit",
    id_column(),
    uuid_column("client_id"),
    Column("entry_id", PgUUID(as_uuid=True), ForeignKey("sanctions_entry.id"), nullable=False),
    Column("version", Integer, nullable=False),
    text_column("client_name"),
    text_column("listed_name"),
    Column("score", Integer, nullable=False),
    text_column("strength"),
    text_column("disposition"),
    # Who asked to clear what takes two: somebody else must agree.
    uuid_column("asked_by", nullable=True),
    time_column("opened_at"),
    time_column("decided_at", nullable=True),
    UniqueConstraint("brand_id", "client_id", "entry_id"),
    ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    ForeignKeyConstraint(["brand_id", "asked_by"], ["staff.brand_id", "staff.id"]),
    one_of("strength", HitStrength),
    one_of("disposition", Disposition),
    brand_index("disposition", "opened_at", "id"),
    brand_index("opened_at", "id"),
    brand_index("strength", "opened_at", "id"),
    brand_index("score", "id"),
    visible_to="staff",
)
screening_decision = brand_table(
    "screening_decision",
    id_column(),
    uuid_column("hit_id"),
    uuid_column("staff_id"),
    text_column("disposition"),
    text_column("reason"),
    time_column("created_at"),
    ForeignKeyConstraint(["brand_id", "hit_id"], ["screening_hit.brand_id", "screening_hit.id"]),
    ForeignKeyConstraint(["brand_id", "staff_id"], ["staff.brand_id", "staff.id"]),
    one_of("disposition", Disposition),
    brand_index("hit_id", "created_at", "id"),
    visible_to="staff",
    app="select, insert",
)
# How far a brand's clients are screened with the lists up to `lists`.
screening_round = brand_table(
    "screening_round",
    Column("lists", BigInteger, nullable=False),
    uuid_column("after_id", nullable=True),
    Column("clients", Integer, nullable=False),
    time_column("started_at"),
    time_column("moved_at"),
    time_column("finished_at", nullable=True),
    visible_to="staff",
    app="select",
)
