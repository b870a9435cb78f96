"""What the API shows of introducing brokers. An ib sees itself and what hangs below it."""

from sqlalchemy import Text, false, func, literal, literal_column, select

from domain.clients.tables import client
from domain.ibs.commissions.reads import PLAN_OF_IB
from domain.ibs.commissions.reads import READS as COMMISSIONS
from domain.ibs.tables import ib
from domain.reads import (
    VIEWER_IB_PATH,
    Entity,
    Field,
    Many,
    One,
    RowScope,
    Viewer,
    columns,
    extend,
)

SUBTREE_CAP = 10_000


def _is_client(viewer: Viewer) -> bool:
    return viewer.client_id is not None


def _is_ib(viewer: Viewer) -> bool:
    return viewer.ib_path is not None


# A range instead of starts_with: a pattern out of another row is no index condition, and every
# path below `p` lies between `p` and `p~`, since paths are hex digits and slashes (collation C).
_below = (
    select(literal_column("1"))
    .select_from(client)
    .where(
        client.c.brand_id == ib.c.brand_id,
        client.c.ib_path >= ib.c.path,
        client.c.ib_path < ib.c.path + literal("~", Text()),
    )
    .limit(literal_column(str(SUBTREE_CAP + 1)))
    .correlate(ib)
    .subquery("below")
)
_subtree_clients = select(func.count()).select_from(_below).scalar_subquery()

IB = Entity(
    name="ib",
    table=ib,
    fields={
        **columns(ib, "code", "name", "status", "level", "created_at", "currency"),
        "plan_id": PLAN_OF_IB,
        "client_count": ib.c.client_count,
        "subtree_clients": Field(_subtree_clients),
    },
    relations={
        "parent": One("ib", own="parent_id"),
        "children": Many("ib", theirs="parent_id"),
        "clients": Many("client", theirs="ib_id", kept="client_count"),
    },
    filters={
        "status": ib.c.status,
        "level": ib.c.level,
        "code": ib.c.code,
        "parent_id": ib.c.parent_id,
    },
    orders={"CREATED_AT": ib.c.created_at, "CODE": ib.c.code},
    default_order="CREATED_AT",
    scopes=(
        RowScope(false(), when=_is_client),
        RowScope(func.starts_with(ib.c.path, VIEWER_IB_PATH), when=_is_ib),
    ),
)

READS = (
    IB,
    extend("client", "ib", One("ib", own="ib_id")),
    extend("lead", "ib", One("ib", own="ib_id")),
    # An ib's token names its ib as its actor; a service's names itself, which is no ib.
    extend("api_token", "root_ib", One("ib", own="actor_id")),
    *COMMISSIONS,
)
