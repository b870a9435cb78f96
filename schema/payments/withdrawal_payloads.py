"""What mutations on withdrawals answer, and with which codes they refuse."""

from schema.accounts.asking import CLIENT, SHARED, replayed
from schema.payments.types import Withdrawal
from schema.shared.errors import payload, result

_PLAN = {
    "INSUFFICIENT_FUNDS": "There is not that much available, with the fee.",
    "DESTINATION_REQUIRED": "A part can't go back to a deposit: name a payout destination.",
    "DESTINATION_COOLING_OFF": "The payout destination is too new, see `usableFrom`.",
    "METHOD_UNAVAILABLE": "The method pays nothing out in this currency at present.",
    "AMOUNT_TOO_LOW": "Less than the method takes.",
    "AMOUNT_TOO_HIGH": "More than the method takes at once.",
    "WITHDRAWALS_BLOCKED": "A deposit of the client is disputed.",
}
_NOT_WAITING = {"WITHDRAWAL_NOT_WAITING": "It has gone on or ended; see its `status`."}
_MOVED = {"VERSION_CONFLICT": "The withdrawal has changed since you read it."}
_EYES = {
    "FOUR_EYES": "You asked for it, named its payee or decided before: somebody else must.",
    "LEVEL_MISSING": "The level that is next is not yours to decide.",
}


@payload(
    errors={
        **SHARED,
        **CLIENT,
        **_PLAN,
        "RETURN_TO_SOURCE": "Deposits in another currency can still go back where they came from: "
        "withdraw those first.",
        "CURRENCY_MISMATCH": "The wallet holds another currency.",
        "KYC_REQUIRED": "The client has to prove who it is first; see `kyc`.",
    }
)
class WithdrawalCreatePayload:
    withdrawal: Withdrawal | None = result("The withdrawal; its money is held.")
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        **_MOVED,
        **_NOT_WAITING,
        **_EYES,
        "WITHDRAWALS_BLOCKED": _PLAN["WITHDRAWALS_BLOCKED"],
        "CLIENT_RESTRICTED": "Nothing of the client's money may go on at present.",
    }
)
class WithdrawalApprovePayload:
    withdrawal: Withdrawal | None = result("The withdrawal as it is now.")
    replayed: bool = replayed()


@payload(errors={**SHARED, **_MOVED, **_NOT_WAITING, **_EYES})
class WithdrawalRejectPayload:
    withdrawal: Withdrawal | None = result("The withdrawal as it is now.")
    replayed: bool = replayed()


@payload(errors={**SHARED, **_NOT_WAITING})
class WithdrawalCancelPayload:
    withdrawal: Withdrawal | None = result("The withdrawal as it is now.")
    replayed: bool = replayed()


@payload(errors={**SHARED, **_MOVED, **_NOT_WAITING, **_PLAN})
class WithdrawalDestinationChangePayload:
    withdrawal: Withdrawal | None = result("The withdrawal, in a new round of approvals.")
    replayed: bool = replayed()
