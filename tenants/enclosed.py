"""Statements that are a transaction by themselves: one round trip, whose rows set within."""

from typing import Final

_ENCLOSED: Final = (
    "with entered as materialized ("
    "select app_enter({brand}::uuid, {client}::uuid, {path}::text) as is_done) "
    "select case when is_done then ({statement}) end from entered"
)


class PlanGaveUp(Exception):
    """A statement met what it can't say; nothing is wrong but that another way must be taken."""


class PlanBroke(PlanGaveUp):
    """The database can't run the statement: a bug of whoever made it, whose cause tells which."""


def enclosed(statement: str, parameters: int) -> str:
    """A statement of one value that first sets whose rows it may touch, locally to itself.

    `app_enter` gives a row, and only that row's own column reads: nothing is read before it. Its
    values are the three parameters behind the statement's own. On Citus, which does not see a
    setting made inside a function, reads need `tenants.work.opening`.
    """
    brand, client, path = (f"${parameters + n}" for n in (1, 2, 3))
    return _ENCLOSED.format(brand=brand, client=client, path=path, statement=statement)
