"""Inputs of mutations on withdrawals and payout destinations."""

from typing import Any

import strawberry

from domain.payments.withdrawals.commands.request_withdrawal import WithdrawalWish
from schema.accounts.asking import KEY, key_of
from schema.shared.scalars import MoneyInput


def _field(description: str, **how: Any) -> Any:
    return strawberry.field(description=description, **how)


_EXPECTED = "Version you last read; refused when the withdrawal has changed since."
_REASON = "Why, 1 to 500 characters, for the audit trail."
_WITHDRAWAL = "The withdrawal."


@strawberry.input(description="Money to take out of a wallet.")
class WithdrawalCreateInput:
    idempotency_key: str = _field(KEY)
    wallet_id: strawberry.ID = _field("The wallet it comes from.")
    amount: MoneyInput = _field("How much, in the wallet's currency; the fee comes on top.")
    destination_id: strawberry.ID | None = _field(
        "Where to pay what can't go back to the ways of your deposits; see `withdrawalPreview`.",
        default=None,
    )

    def wish(self) -> WithdrawalWish:
        """What the command judges. Refusals: NOT_FOUND, INVALID."""
        return WithdrawalWish(
            wallet_id=key_of("wallet", self.wallet_id, "walletId"),
            amount=self.amount.to_amount("input", "amount"),
            destination_id=None
            if self.destination_id is None
            else key_of("payout_destination", self.destination_id, "destinationId"),
        )


@strawberry.input(description="An approval of a withdrawal, at the level it waits for.")
class WithdrawalApproveInput:
    idempotency_key: str = _field(KEY)
    withdrawal_id: strawberry.ID = _field(_WITHDRAWAL)
    expected_version: int = _field(_EXPECTED)
    reason: str = _field(_REASON)


@strawberry.input(description="A refusal of a withdrawal, at the level it waits for.")
class WithdrawalRejectInput:
    idempotency_key: str = _field(KEY)
    withdrawal_id: strawberry.ID = _field(_WITHDRAWAL)
    expected_version: int = _field(_EXPECTED)
    reason: str = _field(_REASON)


@strawberry.input(description="A withdrawal to take back.")
class WithdrawalCancelInput:
    idempotency_key: str = _field(KEY)
    withdrawal_id: strawberry.ID = _field(_WITHDRAWAL)


@strawberry.input(description="Another payee for a withdrawal, or for what of it failed.")
class WithdrawalDestinationChangeInput:
    idempotency_key: str = _field(KEY)
    withdrawal_id: strawberry.ID = _field(_WITHDRAWAL)
    destination_id: strawberry.ID = _field("The client's payout destination to pay instead.")
    expected_version: int = _field(_EXPECTED)
    reason: str = _field(_REASON)


@strawberry.input(description="An account to pay withdrawals to, in the client's own name.")
class PayoutDestinationCreateInput:
    idempotency_key: str = _field(KEY)
    client_id: strawberry.ID | None = _field(
        "Whose account; your own when you are the client and leave it out.", default=None
    )
    method_id: strawberry.ID = _field("How it is paid: a bank or an e-wallet.")
    account: str = _field("The IBAN, or the e-mail address of the wallet.")
    holder_name: str = _field("Whose account it is, as its bank writes it.")


@strawberry.input(description="A payout destination to take out of use.")
class PayoutDestinationRemoveInput:
    idempotency_key: str = _field(KEY)
    destination_id: strawberry.ID = _field("The payout destination.")
