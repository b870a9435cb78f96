"""Change an account's leverage within what its group and jurisdiction allow."""

from uuid import UUID

from domain.accounts.commands.ask_platform import ask_platform
from domain.accounts.queries import get_account, get_leverage_cap, list_group_terms
from domain.accounts.rules import decide_is_active, decide_leverage, decide_version
from domain.accounts.values import AccountKind, AccountStatus, RequestKind
from domain.clients.standing import find_standing
from domain.compliance.identity.queries import find_tier
from domain.compliance.identity.rules import cap_leverage
from tenants.log import Change
from tenants.work import WriteWork


async def change_leverage(
    work: WriteWork, account_id: UUID, leverage: int, *, expected_version: int | None
) -> dict[str, str]:
    """Ask the platform for another leverage; `account` and `request` ids.

    Refusals: NOT_FOUND, CLIENT_RESTRICTED, EMAIL_NOT_VERIFIED, VERSION_CONFLICT,
    ACCOUNT_NOT_ACTIVE, LEVERAGE_TOO_HIGH, INVALID.
    Effects: event `leverage_requested`, later `leverage_changed`; audit.
    """
    account = await get_account(work, account_id, begins=True)
    decide_version(account.version, expected_version)
    decide_is_active(AccountStatus(account.status))
    kind = AccountKind(account.kind)
    groups = await list_group_terms(work, account.server_id, [account.group_name])
    cap = await get_leverage_cap(work, account.legal_entity_id, kind)
    if kind is AccountKind.LIVE:
        standing = await find_standing(work, account.client_id)
        assert standing is not None, "whoever reaches the account reaches its client"
        cap = cap_leverage(await find_tier(work, standing), cap)
    most = min([cap] + [group.leverage_max for group in groups])
    decide_leverage(leverage, most)
    request_id = await ask_platform(work, account, RequestKind.LEVERAGE, {"leverage": leverage})
    work.audit(
        Change(
            "account.leverage",
            object_kind="account",
            object_id=account_id,
            before={"leverage": account.leverage},
            after={"leverage": leverage},
        )
    )
    return {"account": str(account_id), "request": str(request_id)}
