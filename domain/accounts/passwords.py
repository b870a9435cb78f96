"""How new passwords reach a platform: sealed in their request, opened by the job that sends them.

In the clear they stand in no row, event, audit line, log or stored answer. The envelope opens at
its own request only, and a request is emptied when it is settled.
"""

from base64 import b64decode, b64encode
from typing import Any
from uuid import UUID

import orjson

from domain.accounts.trading import Passwords
from tenants.secrets import Place, Vault

_SEALED = "sealed"


def seal_passwords(
    vault: Vault, brand_id: UUID, request_id: UUID, passwords: Passwords
) -> dict[str, Any]:
    """The arguments of a request that sets these passwords."""
    plain = orjson.dumps([passwords.main, passwords.investor])
    return {_SEALED: b64encode(vault.seal(_place(brand_id, request_id), plain)).decode()}


def open_passwords(vault: Vault, request: Any) -> Passwords:
    """The passwords of an open request. Raises SecretUnreadable under another master key."""
    envelope = b64decode(request.arguments[_SEALED])
    main, investor = orjson.loads(vault.open(_place(request.brand_id, request.id), envelope))
    return Passwords(main=main, investor=investor)


def _place(brand_id: UUID, request_id: UUID) -> Place:
    return Place(brand_id, "platform_request", "arguments", request_id)
