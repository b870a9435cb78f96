"""Post transfers: the one call of a work that moves money.

All transfers of a transaction go in together, so that balances are locked once, in one order.
"""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, LargeBinary, Numeric, Text, bindparam, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.exc import DBAPIError

from domain.kernel.errors import DomainError
from domain.payments.ledger.errors import (
    ExternalIdReused,
    HoldExpired,
    HoldResolved,
    InsufficientFunds,
    TransferKeyReused,
)
from domain.payments.ledger.events import transfer_event
from domain.payments.ledger.values import Posted, Transfer
from tenants.connection import sqlstate
from tenants.fixed import Fixed
from tenants.work import WriteWork

_UUIDS, _TEXTS = ARRAY(PgUUID(as_uuid=True)), ARRAY(Text)
_TYPES: dict[str, Any] = {
    "ids": _UUIDS,
    "keys": _TEXTS,
    "kinds": _TEXTS,
    "states": _TEXTS,
    "resolves": _UUIDS,
    "expires": ARRAY(TIMESTAMP(timezone=True)),
    "sources": _TEXTS,
    "externals": _TEXTS,
    "clients": _UUIDS,
    "reasons": _TEXTS,
    "metas": _TEXTS,
    "hashes": ARRAY(LargeBinary),
    "legs": ARRAY(Numeric),
    "accounts": _UUIDS,
    "assets": _TEXTS,
    "amounts": ARRAY(Numeric),
}
_POST = Fixed(
    text(
        "select ord, id, replayed from ledger.post("
        ":brand_id, :now, :actor_kind, cast(:actor_id as uuid), :ids, :keys, :kinds, :states,"
        " :resolves, :expires, :sources, :externals, :clients, :reasons, :metas, :hashes,"
        " cast(:legs as int[]), :accounts, :assets, :amounts)"
    ).bindparams(*(bindparam(name, type_=type_) for name, type_ in _TYPES.items()))
)
_REFUSALS: dict[str, type[DomainError]] = {
    "LG003": TransferKeyReused,
    "LG006": HoldResolved,
    "LG007": ExternalIdReused,
    "LG009": HoldExpired,
}
_CHECK_VIOLATION, _FLOOR = "23514", 'ck_ledger_account_floor"'


async def post(work: WriteWork, transfers: Sequence[Transfer]) -> list[Posted]:
    """Post, hold and release: all or nothing, each key once; in the order given.

    Call it once in a work, after everything else the work reads and locks. What a wallet has is
    judged behind all of them: a call may spend what it brings in. Effects: one LEDGER event per
    transfer that is new. Refusals: INSUFFICIENT_FUNDS, HOLD_RESOLVED, HOLD_EXPIRED,
    TRANSFER_KEY_REUSED, EXTERNAL_ID_REUSED. What does not sum to zero, an unknown or closed
    account, another's id and taking more than was held are bugs and raise.
    """
    work.once("ledger.post")
    if not transfers:
        return []
    given = [(one.id or work.new_id(), one) for one in transfers]
    try:
        rows = await work.rows(_POST, _parameters(work, given))
    except DBAPIError as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from error
    posted = [Posted(row.id, row.replayed) for row in rows]
    assert len(posted) == len(transfers), "every transfer is there afterwards"
    for one, done in zip(transfers, posted, strict=True):
        if not done.replayed:
            work.emit(transfer_event(one, done.id, client_id=work.scope.client_id))
    return posted


def _refusal(error: DBAPIError) -> DomainError | None:
    state = sqlstate(error)
    if state == _CHECK_VIOLATION and _FLOOR in str(error.orig):
        return InsufficientFunds()
    made = _REFUSALS.get(state or "")
    return None if made is None else made()  # type: ignore[call-arg] # ours take nothing


def _parameters(work: WriteWork, given: Sequence[tuple[UUID, Transfer]]) -> dict[str, Any]:
    transfers = [one for _, one in given]
    legs = [(at, leg) for at, one in enumerate(transfers, 1) for leg in one.legs]
    return {
        "brand_id": work.scope.brand_id,
        "now": work.now(),
        "actor_kind": work.scope.actor.kind,
        "actor_id": work.scope.actor.id,
        "ids": [key for key, _ in given],
        "keys": [one.key for one in transfers],
        "kinds": [one.kind for one in transfers],
        "states": [one.state for one in transfers],
        "resolves": [one.resolves for one in transfers],
        "expires": [one.expires_at for one in transfers],
        "sources": [one.source for one in transfers],
        "externals": [one.external_id for one in transfers],
        "clients": [one.client_id for one in transfers],
        "reasons": [one.reason for one in transfers],
        "metas": [orjson.dumps(dict(one.meta)).decode() for one in transfers],
        "hashes": [fingerprint(one) for one in transfers],
        "legs": [at for at, _ in legs],
        "accounts": [leg.account_id for _, leg in legs],
        "assets": [leg.amount.currency for _, leg in legs],
        "amounts": [leg.amount.amount_minor for _, leg in legs],
    }


def fingerprint(one: Transfer) -> bytes:
    """SHA-256 of what a transfer moves: a repetition under its key must be the same."""
    moved = [
        one.kind,
        one.state,
        one.resolves and one.resolves.hex,
        one.source,
        one.external_id,
        [
            [leg.account_id.hex, leg.amount.currency, str(int(leg.amount.amount_minor))]
            for leg in one.legs
        ],
    ]
    return hashlib.sha256(orjson.dumps(moved)).digest()
