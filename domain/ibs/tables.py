"""The tree of introducing brokers."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, UniqueConstraint

from domain.ibs.values import IbStatus
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
    UniqueConstraint("brand_id", "code"),
    UniqueConstraint("brand_id", "path"),
    ForeignKeyConstraint(["brand_id", "parent_id"], ["ib.brand_id", "ib.id"]),
    one_of("status", IbStatus),
    CheckConstraint("path like '%/'", name="path"),
    brand_index("parent_id", "created_at", "id"),
    brand_index("created_at", "id"),
    visible_to="ib",
    ib_column="path",
)
