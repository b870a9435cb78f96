"""Links to statements: good for five minutes, as long as whoever asked may still ask.

A link is sealed, so that it tells nothing and can't be made or changed; it carries who asked and
with which session, and both are judged anew when it is opened. Whoever holds it opens one wallet's
days and nothing else (decision 0018).
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from domain.payments.statements.values import StatementAsked, StatementFormat
from tenants.context import Actor, ActorKind, Scope
from tenants.secrets import Place, SecretUnreadable, Vault

GOOD_FOR: Final = timedelta(minutes=5)
_RIGHTS: Final = frozenset({"wallets:read", "clients:all", "clients:names", "clients:read"})
_LENGTH_MAX: Final = 4_096
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """What a link was made for; `scope` has only the rights that a statement takes."""

    scope: Scope
    asked: StatementAsked


class StatementLinks:
    """Makes and opens links with the installation's vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def make(self, scope: Scope, asked: StatementAsked, *, now: datetime) -> str:
        """The link's text: letters, digits, `-` and `_`."""
        told = {
            "until": int((now + GOOD_FOR).timestamp()),
            "start": asked.start.isoformat(),
            "end": asked.end.isoformat(),
            "format": asked.format.value,
            "actor": [scope.actor.kind.value, scope.actor.id, scope.actor.name],
            "client_id": scope.client_id,
            "ib_path": scope.ib_path,
            "token_id": scope.token_id,
            "rights": sorted(_RIGHTS & scope.permissions),
            "policy": scope.policy_version,
        }
        # The driver's ids are of a class of its own, which is not written without being told how.
        secret = orjson.dumps(told, default=str)
        sealed = self._vault.seal(_place(scope.brand_id, asked.wallet_id), secret)
        whole = scope.brand_id.bytes + asked.wallet_id.bytes + sealed
        return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()

    def open(self, text: str, *, now: datetime) -> OpenedLink | None:
        """What the link is for; None for a forged, altered or old one."""
        if len(text) > _LENGTH_MAX:
            return None
        try:
            whole = base64.b64decode(_padded(text), altchars=b"-_", validate=True)
            brand_id, wallet_id = _ids(whole)
            sealed = whole[2 * _ID_BYTES :]
            told = orjson.loads(self._vault.open(_place(brand_id, wallet_id), sealed))
        except (binascii.Error, ValueError, SecretUnreadable):
            return None
        if datetime.fromtimestamp(told["until"], UTC) <= now:
            return None
        asked = StatementAsked(
            wallet_id,
            date.fromisoformat(told["start"]),
            date.fromisoformat(told["end"]),
            StatementFormat(told["format"]),
        )
        return OpenedLink(_scope(brand_id, told), asked)


def _place(brand_id: UUID, wallet_id: UUID) -> Place:
    return Place(brand_id, "wallet", "statement", wallet_id)


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)


def _ids(whole: bytes) -> tuple[UUID, UUID]:
    return UUID(bytes=whole[:_ID_BYTES]), UUID(bytes=whole[_ID_BYTES : 2 * _ID_BYTES])


def _scope(brand_id: UUID, told: dict[str, Any]) -> Scope:
    kind, key, name = told["actor"]
    return Scope(
        brand_id=brand_id,
        actor=Actor(ActorKind(kind), _uuid(key), name),
        permissions=frozenset(told["rights"]),
        client_id=_uuid(told["client_id"]),
        ib_path=told["ib_path"],
        token_id=_uuid(told["token_id"]),
        policy_version=told["policy"],
    )


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
