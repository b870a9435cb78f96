"""Statements that are a transaction by themselves: one round trip, whose rows set within."""

from typing import Final

# Each part of the condition has a value once its setting is made, so that all of them are.
_ENCLOSED: Final = (
    "select case when set_config('app.brand_id', {brand}::uuid::text, true) is not null"
    " and ({client}::uuid is null"
    " or set_config('app.client_id', {client}::uuid::text, true) is not null)"
    " and ({path}::text is null"
    " or set_config('app.ib_path', {path}::text, true) is not null)"
    " then ({statement}) end"
)


class PlanGaveUp(Exception):
    """A statement met what it can't say; nothing is wrong but that another way must be taken."""


class PlanBroke(PlanGaveUp):
    """The database can't run the statement: a bug of whoever made it, whose cause tells which."""


def enclosed(statement: str, parameters: int) -> str:
    """A statement of one value that first sets whose rows it may touch, locally to itself.

    A case reads a sub-select only once its condition held, and set_config, which changes more than
    it gives, is never worked out beforehand: nothing is read before. It is called right here since
    a function of ours around it takes a tenth of a small statement's time. Its values are the
    three parameters behind the statement's own. On Citus, which does not see a setting made inside
    a statement, reads need `tenants.work.opening`.
    """
    brand, client, path = (f"${parameters + n}" for n in (1, 2, 3))
    return _ENCLOSED.format(brand=brand, client=client, path=path, statement=statement)
