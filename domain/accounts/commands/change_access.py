"""Change what may be done on an account: everything, closing only, nothing, not even looking."""

from uuid import UUID

from domain.accounts.commands.ask_platform import ask_platform
from domain.accounts.queries import get_account, has_exposure
from domain.accounts.rules import decide_access, decide_version, normalise_reason
from domain.accounts.values import AccountAccess, AccountStatus, RequestKind
from tenants.log import Change
from tenants.work import WriteWork


async def change_access(
    work: WriteWork,
    account_id: UUID,
    access: AccountAccess,
    *,
    reason: str,
    expected_version: int | None,
) -> dict[str, str]:
    """Ask the platform for another access; `account` and `request` ids.

    Where closing would be impossible there must be nothing left to close: the job looks on the
    platform again before it locks the account. `reason` is kept in the audit.
    Refusals: NOT_FOUND, INVALID, VERSION_CONFLICT, ACCOUNT_NOT_ACTIVE, POSITIONS_OPEN.
    Effects: event `access_requested`, later `access_changed` or `request_refused`; audit.
    """
    told = normalise_reason(reason)
    account = await get_account(work, account_id)
    decide_version(account.version, expected_version)
    decide_access(
        access,
        status=AccountStatus(account.status),
        is_exposed=await has_exposure(work, account_id),
    )
    request_id = await ask_platform(work, account, RequestKind.ACCESS, {"access": access})
    work.audit(
        Change(
            "account.access",
            object_kind="account",
            object_id=account_id,
            before={"access": account.access},
            after={"access": access},
            reason=told,
        )
    )
    return {"account": str(account_id), "request": str(request_id)}
