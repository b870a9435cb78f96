"""Platform servers belong to the operator and are granted to brands by a range of logins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.accounts.rules import GroupTerms
from domain.accounts.tables import platform_grant, platform_group, platform_server
from domain.accounts.values import PlatformKind
from domain.kernel.errors import Conflict
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """A server of the operator and the groups accounts may be opened in."""

    id: UUID
    name: str
    kind: PlatformKind
    endpoint: str
    time_zone: str
    groups: Sequence[GroupTerms]


async def add_server(work: WriteWork, plan: ServerPlan) -> None:
    """Add a server with its groups; what is there already is left as it is."""
    server: dict[str, Any] = {
        "id": plan.id,
        "name": plan.name,
        "kind": plan.kind,
        "endpoint": plan.endpoint,
        "time_zone": plan.time_zone,
    }
    await work.rows(insert(platform_server).values(server).on_conflict_do_nothing())
    rows = [
        {
            "server_id": plan.id,
            "name": group.name,
            "account_kind": group.kind,
            "currency": group.currency,
            "leverage_max": group.leverage_max,
            "swap_free": group.swap_free,
        }
        for group in plan.groups
    ]
    await work.rows(insert(platform_group).values(rows).on_conflict_do_nothing())


async def grant_server(
    work: WriteWork, server_id: UUID, brand_id: UUID, logins: range, groups: Sequence[str]
) -> None:
    """Give a brand a range of logins and some groups on a server.

    Refusals: CONFLICT when the range overlaps another brand's: a login says whose a deal is.
    """
    columns = platform_grant.c
    overlapping = await work.rows(
        select(columns.brand_id).where(
            columns.server_id == server_id,
            columns.brand_id != brand_id,
            columns.login_from < logins.stop,
            columns.login_to >= logins.start,
        )
    )
    if overlapping:
        raise Conflict("CONFLICT", "Another brand owns logins in that range.")
    row = {
        "server_id": server_id,
        "brand_id": brand_id,
        "login_from": logins.start,
        "login_to": logins.stop - 1,
        "groups": list(groups),
    }
    await work.rows(insert(platform_grant).values(row).on_conflict_do_nothing())
