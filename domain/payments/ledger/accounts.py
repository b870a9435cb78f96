"""Ledger accounts by what they stand for; opened when they are first needed."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ARRAY, Numeric, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.payments.ledger.values import FLOORED, AccountKey
from tenants.work import WriteWork

_UUIDS, _TEXTS = ARRAY(PgUUID(as_uuid=True)), ARRAY(Text)
_OPEN = text(
    "select ord, id from ledger.open(:brand_id, :now, :ids, :kinds, :references, :assets,"
    " :clients, :floors)"
).bindparams(
    bindparam("ids", type_=_UUIDS),
    bindparam("kinds", type_=_TEXTS),
    bindparam("references", type_=_TEXTS),
    bindparam("assets", type_=_TEXTS),
    bindparam("clients", type_=_UUIDS),
    bindparam("floors", type_=ARRAY(Numeric)),
)


async def ledger_accounts(work: WriteWork, keys: Iterable[AccountKey]) -> dict[AccountKey, UUID]:
    """The ids of these accounts, opened where missing. One statement."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    rows = await work.rows(
        _OPEN,
        {
            "brand_id": work.scope.brand_id,
            "now": work.now(),
            "ids": [work.new_id() for _ in wanted],
            "kinds": [key.kind for key in wanted],
            "references": [key.reference for key in wanted],
            "assets": [key.currency for key in wanted],
            "clients": [key.client_id for key in wanted],
            "floors": [0 if key.kind in FLOORED else None for key in wanted],
        },
    )
    found = {wanted[row.ord - 1]: row.id for row in rows}
    assert len(found) == len(wanted), "every account is there afterwards"
    return found
