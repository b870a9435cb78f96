"""The tree of introducing brokers: places, former places, links and invitations."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, UniqueConstraint

from domain.ibs.values import IbStatus, InvitationStatus
from tenants.database import (
    brand_index,
    brand_table,
    id_column,
    one_of,
    text_column,
    time_column,
    uuid_column,
)

ib = brand_table(
    "ib",
    id_column(),
    text_column("code"),
    text_column("name"),
    text_column("email"),
    text_column("status"),
    Column("level", Integer, nullable=False),
    uuid_column("parent_id", nullable=True),
    text_column("path"),
    time_column("created_at"),
    # What it is paid in.
    text_column("currency", default="USD"),
    # Counts its places in the tree; a move of anyone above is a new place, too.
    Column("place_version", Integer, nullable=False, server_default="1"),
    # How many it introduced itself; kept by triggers of `client`.
    Column("client_count", Integer, nullable=False, server_default="0"),
    UniqueConstraint("brand_id", "code"),
    UniqueConstraint("brand_id", "path"),
    ForeignKeyConstraint(["brand_id", "parent_id"], ["ib.brand_id", "ib.id"]),
    one_of("status", IbStatus),
    CheckConstraint("path like '%/'", name="path"),
    CheckConstraint("client_count >= 0", name="client_count"),
    brand_index("parent_id", "created_at", "id"),
    brand_index("created_at", "id"),
    brand_index("level", "created_at", "id"),
    brand_index("status", "created_at", "id"),
    brand_index("parent_id", "code", "id"),
    visible_to="ib",
    ib_column="path",
)
# Where an ib hung until it moved: what closed before belongs to the line of then.
ib_former_place = brand_table(
    "ib_former_place",
    id_column("ib_id"),
    Column("version", Integer, primary_key=True),
    text_column("path"),
    time_column("until_at"),
    ForeignKeyConstraint(["brand_id", "ib_id"], ["ib.brand_id", "ib.id"]),
    visible_to="staff",
    worker="select, insert",
)
ib_link = brand_table(
    "ib_link",
    id_column(),
    uuid_column("ib_id"),
    text_column("ib_path"),
    text_column("code"),
    text_column("campaign"),
    time_column("created_at"),
    UniqueConstraint("brand_id", "code"),
    UniqueConstraint("brand_id", "ib_id", "campaign"),
    ForeignKeyConstraint(["brand_id", "ib_id"], ["ib.brand_id", "ib.id"]),
    visible_to="ib",
)
ib_invitation = brand_table(
    "ib_invitation",
    id_column(),
    uuid_column("ib_id"),
    text_column("ib_path"),
    text_column("name"),
    text_column("email"),
    text_column("status"),
    time_column("created_at"),
    time_column("expires_at"),
    uuid_column("accepted_id", nullable=True),
    ForeignKeyConstraint(["brand_id", "ib_id"], ["ib.brand_id", "ib.id"]),
    ForeignKeyConstraint(["brand_id", "accepted_id"], ["ib.brand_id", "ib.id"]),
    one_of("status", InvitationStatus),
    brand_index("ib_id", "created_at", "id"),
    visible_to="ib",
)
