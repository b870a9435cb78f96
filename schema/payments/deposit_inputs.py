"""Inputs of deposits, and how they become the wishes that commands judge."""

from typing import Any

import strawberry

from domain.payments.deposits.values import DepositWish
from schema.accounts.asking import KEY, key_of, optional_key
from schema.shared.scalars import URL, MoneyInput


def _field(description: str, **how: Any) -> Any:
    return strawberry.field(description=description, **how)


@strawberry.input(description="Money to pay in.")
class DepositCreateInput:
    idempotency_key: str = _field(KEY)
    amount: MoneyInput = _field("How much, within the limits of the method.")
    method_id: strawberry.ID = _field("How it is paid, see `paymentMethods`.")
    return_url: URL = _field(
        "Where the payer's browser comes back to: a page on a host of the brand or an origin of "
        "its publishable keys."
    )
    wallet_id: strawberry.ID | None = _field(
        "The wallet it is for, in the amount's currency. Left out, it is the client's wallet in "
        "that currency, which is opened when there is none.",
        default=None,
    )
    client_id: strawberry.ID | None = _field(
        "Whose deposit it is; your own when you are the client and leave it out.", default=None
    )

    def wish(self) -> DepositWish:
        """What the command judges. Refusals: NOT_FOUND, INVALID."""
        return DepositWish(
            amount=self.amount.to_amount("input", "amount"),
            method_id=key_of("payment_method", self.method_id, "methodId"),
            return_url=self.return_url,
            client_id=optional_key("client", self.client_id, "clientId"),
            wallet_id=optional_key("wallet", self.wallet_id, "walletId"),
        )


@strawberry.input(description="A deposit to call off.")
class DepositCancelInput:
    idempotency_key: str = _field(KEY)
    deposit_id: strawberry.ID = _field("The deposit.")
