"""Set the passwords that an account's traders sign in with on the platform."""

from uuid import UUID

from domain.accounts.commands.ask_platform import ask_platform
from domain.accounts.passwords import seal_passwords
from domain.accounts.queries import get_account
from domain.accounts.rules import decide_is_active, decide_passwords
from domain.accounts.trading import Passwords
from domain.accounts.values import AccountStatus, RequestKind
from tenants.log import Change
from tenants.secrets import Vault
from tenants.work import WriteWork


async def change_passwords(
    work: WriteWork, vault: Vault, account_id: UUID, passwords: Passwords
) -> dict[str, str]:
    """Ask the platform for two new passwords; `account` and `request` ids.

    Until the platform has answered they wait sealed in the request, and nowhere else.
    Refusals: NOT_FOUND, PASSWORD_WEAK, PASSWORDS_EQUAL, ACCOUNT_NOT_ACTIVE.
    Effects: event `password_requested`, later `password_changed`; audit, without the passwords.
    """
    decide_passwords(passwords)
    account = await get_account(work, account_id)
    decide_is_active(AccountStatus(account.status))
    request_id = await ask_platform(
        work,
        account,
        RequestKind.PASSWORD,
        lambda key: seal_passwords(vault, work.scope.brand_id, key, passwords),
    )
    work.audit(Change("account.password", object_kind="account", object_id=account_id))
    return {"account": str(account_id), "request": str(request_id)}
