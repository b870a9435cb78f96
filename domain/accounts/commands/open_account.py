"""Open a trading account of a kind for a client."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from domain.accounts.commands.ask_platform import ask_platform
from domain.accounts.commands.wish_account import wish_account
from domain.accounts.queries import (
    count_accounts,
    find_grant,
    get_leverage_cap,
    list_group_terms,
)
from domain.accounts.rules import (
    OPENED_BY_CLIENTS,
    OpenWish,
    Terms,
    decide_client_may_act,
    decide_open,
)
from domain.accounts.tables import trading_account
from domain.accounts.values import AccountAccess, AccountKind, AccountStatus, RequestKind
from domain.clients.standing import ClientStanding, find_standing
from domain.compliance.identity.queries import find_tier
from domain.compliance.identity.rules import cap_leverage, decide_live
from domain.kernel.errors import NotFound, Refused
from tenants.context import ActorKind
from tenants.log import Change
from tenants.numbers import next_number
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class _NewAccount:
    """What `ask_platform` needs to know of the row just written."""

    id: UUID
    client_id: UUID
    ib_path: str


async def open_account(work: WriteWork, client_id: UUID, wish: OpenWish) -> dict[str, str]:
    """Reserve a login and ask the platform for the account; `account` and `request` ids.

    The account is OPENING until the platform confirms. A client may open DEMO and LIVE for
    itself; the other kinds come from purchases or staff. A live one may wait until the client has
    proven who it is; then only `wish` is answered.
    Refusals: NOT_FOUND, KIND_UNAVAILABLE, KYC_REQUIRED, LOGINS_EXHAUSTED and those of
    `rules.decide_open`. Effects: event `open_requested` or `open_waiting`, audit.
    """
    standing = await find_standing(work, client_id)
    if standing is None:
        raise NotFound(path=("input", "clientId"))
    if work.scope.actor.kind is ActorKind.CLIENT and wish.kind not in OPENED_BY_CLIENTS:
        message = "Accounts of that kind are not opened by clients."
        raise Refused("KIND_UNAVAILABLE", message, path=("input", "kind"))
    tier = await find_tier(work, standing) if wish.kind is AccountKind.LIVE else None
    if wish.when_verified and tier is not None and not tier.live:
        decide_client_may_act(standing.status)
        return {"wish": str(await wish_account(work, standing, wish))}
    decide_live(tier)
    grant = await find_grant(work)
    if grant is None:
        raise Refused("KIND_UNAVAILABLE", "This brand has no trading platform yet.")
    terms = decide_open(
        wish,
        await list_group_terms(work, grant.server_id, grant.groups),
        leverage_cap=cap_leverage(
            tier, await get_leverage_cap(work, standing.legal_entity_id, wish.kind)
        ),
        client_status=standing.status,
        open_accounts=await count_accounts(work, client_id),
    )
    login = await next_number(work, f"login:{grant.server_id.hex}", grant.login_from)
    if login > grant.login_to:
        raise Refused("LOGINS_EXHAUSTED", "This brand has no free logins; ask the operator.")
    account = await _insert(work, standing, wish, terms, server_id=grant.server_id, login=login)
    arguments = {"initial_balance": str(terms.initial_balance)} if terms.initial_balance else {}
    request_id = await ask_platform(work, account, RequestKind.OPEN, arguments)
    return {"account": str(account.id), "request": str(request_id)}


async def _insert(
    work: WriteWork,
    standing: ClientStanding,
    wish: OpenWish,
    terms: Terms,
    *,
    server_id: UUID,
    login: int,
) -> _NewAccount:
    account_id = work.new_id()
    shown: dict[str, Any] = {
        "kind": wish.kind,
        "currency": wish.currency,
        "leverage": terms.leverage,
        "group_name": terms.group,
        "login": login,
    }
    await work.rows(
        insert(trading_account).values(
            brand_id=work.scope.brand_id,
            id=account_id,
            client_id=standing.id,
            ib_path=standing.ib_path,
            legal_entity_id=standing.legal_entity_id,
            server_id=server_id,
            version=1,
            status=AccountStatus.OPENING,
            access=AccountAccess.FULL,
            swap_free=wish.swap_free,
            created_at=work.now(),
            **shown,
        )
    )
    work.audit(Change("account.open", object_kind="account", object_id=account_id, after=shown))
    return _NewAccount(account_id, standing.id, standing.ib_path)
