"""Links by which papers travel: good for ten minutes, for whoever asked, as long as they may.

A link is sealed, so that it tells nothing and can't be made or changed; it carries who asked and
with which session, and both are judged anew when it is opened.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import orjson

from tenants.context import Actor, ActorKind, Scope
from tenants.secrets import Place, SecretUnreadable, Vault

GOOD_FOR: Final = timedelta(minutes=10)
_RIGHTS: Final = frozenset({"kyc:submit", "kyc:documents", "clients:all"})
_LENGTH_MAX: Final = 4_096
_ID_BYTES: Final = 16


class LinkUse(StrEnum):
    """Which way the bytes go."""

    UPLOAD = "upload"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True)
class PaperLink:
    """What a link was made for; `scope` has only the rights that papers take."""

    scope: Scope
    document_id: UUID
    use: LinkUse


class PaperLinks:
    """Makes and opens links with the installation's vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def make(self, scope: Scope, document_id: UUID, use: LinkUse, *, now: datetime) -> str:
        """The link's text: letters, digits, `-` and `_`."""
        told = {
            "until": int((now + GOOD_FOR).timestamp()),
            "use": use.value,
            "actor": [scope.actor.kind.value, scope.actor.id, scope.actor.name],
            "client_id": scope.client_id,
            "ib_path": scope.ib_path,
            "token_id": scope.token_id,
            "rights": sorted(_RIGHTS & scope.permissions),
            "policy": scope.policy_version,
        }
        # The driver's ids are of a class of its own, which is not written without being told how.
        secret = orjson.dumps(told, default=str)
        sealed = self._vault.seal(_place(scope.brand_id, document_id), secret)
        whole = scope.brand_id.bytes + document_id.bytes + sealed
        return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()

    def open(self, text: str, *, now: datetime) -> PaperLink | None:
        """What the link is for; None for a forged, altered or old one."""
        if len(text) > _LENGTH_MAX:
            return None
        try:
            padded = text + "=" * (-len(text) % 4)
            whole = base64.b64decode(padded, altchars=b"-_", validate=True)
            brand_id = UUID(bytes=whole[:_ID_BYTES])
            document_id = UUID(bytes=whole[_ID_BYTES : 2 * _ID_BYTES])
            sealed = whole[2 * _ID_BYTES :]
            told = orjson.loads(self._vault.open(_place(brand_id, document_id), sealed))
        except (binascii.Error, ValueError, SecretUnreadable):
            return None
        if datetime.fromtimestamp(told["until"], UTC) <= now:
            return None
        return PaperLink(_scope(brand_id, told), document_id, LinkUse(told["use"]))


def _place(brand_id: UUID, document_id: UUID) -> Place:
    return Place(brand_id, "kyc_document", "link", document_id)


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
