"""Mutations on accounts: permission and shape here, everything else in the commands."""

from typing import Annotated, Any, Protocol
from uuid import UUID

import orjson
import strawberry

from domain.accounts import values
from domain.accounts.commands.change_access import change_access
from domain.accounts.commands.change_leverage import change_leverage
from domain.accounts.commands.change_passwords import change_passwords
from domain.accounts.commands.open_account import open_account
from domain.kernel.errors import NotFound
from schema.accounts.asking import (
    CLIENT,
    NOT_ACTIVE,
    PLATFORM,
    SHARED,
    TOO_HIGH,
    VERSION,
    accepted,
    ask,
    finished,
    key_of,
    replayed,
)
from schema.accounts.inputs import (
    AccountAccessChangeInput,
    AccountLeverageChangeInput,
    AccountOpenInput,
    AccountPasswordChangeInput,
)
from schema.accounts.trading_mutations import TradingMutations
from schema.accounts.types import Account
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from tenants.secrets import Vault


class SealingServices(Protocol):
    """What new passwords need of the application's services."""

    @property
    def vault(self) -> Vault: ...


@payload(
    errors={
        **SHARED,
        **TOO_HIGH,
        **CLIENT,
        "ACCOUNT_LIMIT": "The client has as many accounts as allowed.",
        "KIND_UNAVAILABLE": "The brand offers no account of that kind to you.",
        "CURRENCY_UNAVAILABLE": "No account of that kind in this currency and swap choice.",
        "LOGINS_EXHAUSTED": "The brand has no free logins; the operator must grant more.",
        "KYC_REQUIRED": "The client has to prove who it is first; see `kyc` and `whenVerified`.",
    }
)
class AccountOpenPayload:
    account: Account | None = result(
        "The account; OPENING until the platform confirms, null while it waits for verification."
    )
    waits_for_verification: bool = strawberry.field(
        description="Whether it opens by itself once the client has proven who it is.",
        default=False,
    )
    replayed: bool = replayed()


@payload(errors={**SHARED, **CLIENT, **VERSION, **NOT_ACTIVE, **TOO_HIGH, **PLATFORM})
class AccountLeverageChangePayload:
    account: Account | None = result("The account as it is now.")
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        **VERSION,
        **NOT_ACTIVE,
        **PLATFORM,
        "POSITIONS_OPEN": "Positions or orders are open: set CLOSE_ONLY and close them first.",
    }
)
class AccountAccessChangePayload:
    account: Account | None = result("The account as it is now.")
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        **NOT_ACTIVE,
        **PLATFORM,
        "PASSWORD_WEAK": "The password at `path` is not what `message` asks for.",
        "PASSWORDS_EQUAL": "Whoever may only look must not know the main password.",
    }
)
class AccountPasswordChangePayload:
    account: Account | None = result("The account whose passwords they are.")
    replayed: bool = replayed()


_Open = Annotated[AccountOpenInput, strawberry.argument(description="What to open.")]
_Leverage = Annotated[AccountLeverageChangeInput, strawberry.argument(description="The change.")]
_Access = Annotated[AccountAccessChangeInput, strawberry.argument(description="The change.")]
_Password = Annotated[
    AccountPasswordChangeInput, strawberry.argument(description="The account and its passwords.")
]


@strawberry.type
class AccountMutations(TradingMutations):
    @mutation(
        "Open a trading account. The platform gets random passwords that nobody is told; whoever "
        "is to sign in there sets its own with `accountPasswordChange`.",
        needs="accounts:open",
    )
    async def account_open(self, info: Info, input: _Open) -> AccountOpenPayload:
        client_id = _client_id(info, input.client_id)
        done = await ask(info, input, lambda work: open_account(work, client_id, input.wish()))
        if "wish" in done.value:
            return AccountOpenPayload(
                account=None, waits_for_verification=True, replayed=done.replayed
            )
        await finished(info, done)
        account = await fetch_below(info, "account", "account", UUID(done.value["account"]))
        return AccountOpenPayload(account=account, replayed=done.replayed)

    @mutation("Change the leverage of an account.", needs="accounts:leverage")
    async def account_leverage_change(
        self, info: Info, input: _Leverage
    ) -> AccountLeverageChangePayload:
        account_id = key_of("account", input.account_id, "accountId")
        done = await ask(
            info,
            input,
            lambda work: change_leverage(
                work, account_id, input.leverage, expected_version=input.expected_version
            ),
        )
        await accepted(info, done)
        account = await fetch_below(info, "account", "account", account_id)
        return AccountLeverageChangePayload(account=account, replayed=done.replayed)

    @mutation(
        "Change what may be done on an account. NO_TRADING and NO_LOGIN are for accounts without "
        "positions and orders.",
        needs="accounts:access",
    )
    async def account_access_change(self, info: Info, input: _Access) -> AccountAccessChangePayload:
        account_id = key_of("account", input.account_id, "accountId")
        done = await ask(
            info,
            input,
            lambda work: change_access(
                work,
                account_id,
                values.AccountAccess[input.access.name],
                reason=input.reason,
                expected_version=input.expected_version,
            ),
        )
        await accepted(info, done, own={"POSITIONS_OPEN"})
        account = await fetch_below(info, "account", "account", account_id)
        return AccountAccessChangePayload(account=account, replayed=done.replayed)

    @mutation(
        "Set both passwords that traders sign in with on the platform.", needs="accounts:password"
    )
    async def account_password_change(
        self, info: Info, input: _Password
    ) -> AccountPasswordChangePayload:
        account_id = key_of("account", input.account_id, "accountId")
        services: SealingServices = info.context.services
        vault, passwords = services.vault, input.passwords()
        told = orjson.dumps([input.idempotency_key, passwords.main, passwords.investor])
        done = await ask(
            info,
            input,
            lambda work: change_passwords(work, vault, account_id, passwords),
            hidden={
                "main_password": vault.digest(info.context.scope.brand_id, told),
                "investor_password": "",
            },
        )
        await accepted(info, done)
        account: Any = await fetch_below(info, "account", "account", account_id)
        return AccountPasswordChangePayload(account=account, replayed=done.replayed)


def _client_id(info: Info, given: strawberry.ID | None) -> UUID:
    if given is not None:
        return key_of("client", given, "clientId")
    own = info.context.scope.client_id
    if own is None:
        raise NotFound("Say whose account it is to be.", path=("input", "clientId"))
    return own
