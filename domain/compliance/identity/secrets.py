"""Secrets of KYC connections and the bytes of papers: sealed in their rows, opened where needed."""

from collections.abc import Sequence
from uuid import UUID

import orjson

from domain.compliance.identity.queries import KycConnection
from tenants.secrets import Place, Vault

_TABLE = "kyc_connection"


def seal_connection(
    vault: Vault,
    brand_id: UUID,
    connection_id: UUID,
    *,
    api_key: str,
    notice_secrets: Sequence[str],
) -> dict[str, bytes]:
    """The columns that hold a connection's secrets. The first notice secret is the present one."""
    sealed = {"api_key": api_key.encode(), "notice_secrets": orjson.dumps(list(notice_secrets))}
    return {
        f"{name}_cipher": vault.seal(Place(brand_id, _TABLE, name, connection_id), secret)
        for name, secret in sealed.items()
    }


def open_api_key(vault: Vault, one: KycConnection) -> str:
    """Raises SecretUnreadable."""
    place = Place(one.brand_id, _TABLE, "api_key", one.id)
    return vault.open(place, one.api_key_cipher).decode()


def open_notice_secrets(vault: Vault, one: KycConnection) -> tuple[str, ...]:
    """The present one first, then those that are being replaced. Raises SecretUnreadable."""
    place = Place(one.brand_id, _TABLE, "notice_secrets", one.id)
    return tuple(orjson.loads(vault.open(place, one.notice_secrets_cipher)))


def content_place(brand_id: UUID, document_id: UUID) -> Place:
    """Where the bytes of a paper stand."""
    return Place(brand_id, "kyc_document_content", "content", document_id)
