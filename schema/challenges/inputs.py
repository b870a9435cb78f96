"""Inputs of challenges, and how they become what commands judge."""

from typing import Any

import strawberry
from strawberry import UNSET

from domain.challenges.lifecycle import ByMethod, FromWallet, ProgramPlan, PurchaseWish
from domain.kernel.errors import Invalid
from domain.kernel.money import Money as Amount
from schema.accounts.asking import KEY, key_of, optional_key
from schema.challenges.rules import ProgramPhaseInput
from schema.shared.scalars import URL, CountryCode, MoneyInput


def _field(description: str, **how: Any) -> Any:
    return strawberry.field(description=description, **how)


@strawberry.input(description="Pay at a payment provider.")
class PayByMethodInput:
    method_id: strawberry.ID = _field("How, see `paymentMethods`.")
    return_url: URL = _field(
        "Where the payer's browser comes back to: a page on a host of the brand or an origin of "
        "its publishable keys."
    )


@strawberry.input(
    description="How an order is paid: exactly one of these. A wallet is never spent unless it is "
    "named here, by its owner.",
    one_of=True,
)
class ChallengePayInput:
    method: PayByMethodInput | None = _field("At a payment provider.", default=UNSET)
    wallet_id: strawberry.ID | None = _field("From this wallet of one's own.", default=UNSET)

    def wish(self) -> ByMethod | FromWallet:
        """What the command judges. Refusals: NOT_FOUND."""
        if self.method:
            key = key_of("payment_method", self.method.method_id, "pay", "method", "methodId")
            return ByMethod(key, self.method.return_url)
        if not self.wallet_id:
            raise Invalid("INVALID", "Say how it is paid.", path=("input", "pay"))
        return FromWallet(key_of("wallet", self.wallet_id, "pay", "walletId"))


@strawberry.input(description="A challenge to buy.")
class ChallengePurchaseInput:
    idempotency_key: str = _field(KEY)
    program_id: strawberry.ID = _field("What.")
    program_version: int = _field("The version that the buyer has seen.")
    total: MoneyInput = _field("The whole price with tax that the buyer has seen.")
    pay: ChallengePayInput = _field("How it is paid.")
    client_id: strawberry.ID | None = _field(
        "Who buys; yourself when you are the client and leave it out.", default=None
    )

    def wish(self) -> PurchaseWish:
        """What the command judges. Refusals: NOT_FOUND, INVALID."""
        return PurchaseWish(
            program_id=key_of("program", self.program_id, "programId"),
            program_version=self.program_version,
            total=self.total.to_amount("input", "total"),
            pay=self.pay.wish(),
            client_id=optional_key("client", self.client_id, "clientId"),
        )


@strawberry.input(description="An order to give back.")
class ChallengeRefundInput:
    idempotency_key: str = _field(KEY)
    purchase_id: strawberry.ID = _field("The order.")
    reason: str = _field("Why, for the audit trail.")
    expected_version: int | None = _field("The version you have seen.", default=None)
    to_wallet: bool = _field(
        "Into the client's wallet instead, once the payment provider has refused to give it back.",
        default=False,
    )


@strawberry.input(description="A program to put on sale.")
class ChallengeProgramPublishInput:
    idempotency_key: str = _field(KEY)
    code: str = _field("The brand's own name of it: small letters, digits, hyphens.")
    name: str = _field("What traders call it.")
    balance: MoneyInput = _field("What an account begins with; its currency is that of all.")
    price: MoneyInput = _field("What it costs, without tax, in the same currency.")
    leverage: int = _field("Leverage n of 1:n of its accounts.")
    phases: list[ProgramPhaseInput] = _field("Its phases, in their order.")

    def plan(self) -> ProgramPlan:
        """What the command judges. Refusals: INVALID."""
        balance: Amount = self.balance.to_amount("input", "balance")
        price: Amount = self.price.to_amount("input", "price")
        if price.currency != balance.currency:
            message = "Price and balance are in one currency."
            raise Invalid("INVALID", message, path=("input", "price"))
        return ProgramPlan(
            code=self.code,
            name=self.name,
            balance=balance,
            price_minor=price.amount_minor,
            leverage=self.leverage,
            phases=tuple(one.plan(balance.currency) for one in self.phases),
        )


@strawberry.input(description="A program to sell no more.")
class ChallengeProgramCloseInput:
    idempotency_key: str = _field(KEY)
    program_id: strawberry.ID = _field("The program.")


@strawberry.input(description="The tax that buyers of a country pay.")
class ChallengeTaxSetInput:
    idempotency_key: str = _field(KEY)
    country: CountryCode = _field("The country of residence.")
    label: str = _field("What the tax is called, such as `VAT 19 %`.")
    bps: int = _field("Hundredths of a percent of the price, 0 to 10,000.")


@strawberry.input(description="Closing accounts again.")
class ChallengeLiquidationResumeInput:
    idempotency_key: str = _field(KEY)
    reason: str = _field("Why the prices are right after all, for the audit trail.")
