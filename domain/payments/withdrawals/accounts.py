"""Account numbers of payout destinations: read, checked, and shown masked."""

import validators

from domain.payments.values import MethodKind
from domain.payments.withdrawals.errors import AccountInvalid, MethodUnavailable

LENGTH_MAX = 254
_NO_DESTINATION = "Money goes back to a card only from its own deposits: a card is no destination."


def read_account(kind: MethodKind, text: str) -> str:
    """The one spelling of an IBAN or of an e-wallet's e-mail address.

    Profits are paid to banks and e-wallets only (D4): a card takes back no more than it paid.
    Refusals: ACCOUNT_INVALID, METHOD_UNAVAILABLE.
    """
    if len(text) > LENGTH_MAX:
        raise AccountInvalid("An account has at most 254 characters.")
    match kind:
        case MethodKind.BANK:
            iban = "".join(text.split()).upper()
            # ISO 13616: form and check digits.
            if not iban.isascii() or not validators.iban(iban):
                raise AccountInvalid("Write an IBAN; its check digits must be right.")
            return iban
        case MethodKind.EWALLET:
            email = text.strip().lower()
            if not validators.email(email):
                raise AccountInvalid("Write the e-mail address of the wallet.")
            return email
        case MethodKind.CARD:
            raise MethodUnavailable("input", "methodId", message=_NO_DESTINATION)
        case _:
            raise MethodUnavailable("input", "methodId")


def masked(kind: MethodKind, account: str) -> str:
    """How an account is shown: `DE •••• 3000`, `a•••@wallet.example`."""
    if kind is MethodKind.BANK:
        return f"{account[:2]} •••• {account[-4:]}"
    name, _, host = account.rpartition("@")
    return f"{name[:1]}•••@{host}"
