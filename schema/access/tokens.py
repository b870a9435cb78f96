"""API tokens and sessions, bound to `tenants.reads`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.shared.bind import Node, bound, computed, one, value
from tenants.tokens import TextKind, TokenText

if TYPE_CHECKING:
    from schema.ibs.types import Ib

IbRef = Annotated["Ib", strawberry.lazy("schema.ibs.types")]


@bound("session", "A signed-in device.", needs="session:read")
class Session(Node):
    user_agent: str | None = value("What the device calls itself.")
    ip: str | None = value("The address it signed in from.")
    created_at: datetime = value("When it signed in.")
    expires_at: datetime = value("When it ends unless it is refreshed before.")


@bound("api_token", "A token for programs; its secret was shown once.", needs="tokens:read")
class ApiToken(Node):
    name: str = value("What it is for.")
    prefix: str = computed(
        "The token without its secret, to find it again in a configuration.",
        lambda record: TokenText(TextKind.API, record.brand, record.key).prefix(),
        reads=("brand",),
    )
    scopes: list[str] = value("Permissions it was granted; it can do what its role can of these.")
    addresses: list[str] = value("Networks it may be used from; empty for anywhere.")
    created_at: datetime = value("When it was made.")
    expires_at: datetime = value("When it ends.")
    last_used_at: datetime | None = value("When it was last used, within a minute.")
    revoked_at: datetime | None = value("When it was revoked.")
    root_ib: IbRef | None = one(
        "The introducing broker whose subtree it is limited to; null for a service's token.",
        needs="ibs:read",
    )
