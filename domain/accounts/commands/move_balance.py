"""Move money on a platform: onto an account, off it, or to make its balance right."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.accounts.commands.ask_platform import ask_platform
from domain.accounts.trading import BalanceKind
from domain.accounts.values import RequestKind
from domain.kernel.money import from_minor
from tenants.work import WriteWork

_TOKEN_HEX = 24


@dataclass(frozen=True, slots=True)
class BalanceMove:
    """A movement of money on one account.

    `amount_minor` is signed: below zero takes money off. `cause` and `cause_id` name what it is
    for, such as "payment"; the events of the outcome repeat it as `<cause>_id`.
    """

    kind: BalanceKind
    amount_minor: int
    cause: str
    cause_id: UUID


async def move_balance(work: WriteWork, account: Any, move: BalanceMove) -> UUID:
    """Ask the platform to move money on an account that the work has locked; the request's id.

    Nothing is judged here: whoever asks has decided, and the platform has the last word.
    Effects: event `balance_requested`, later `balance_moved`, `balance_unknown` (to be found out,
    one of the others follows) or `request_refused`. The money itself shows as a deal.
    """
    arguments = {
        "kind": move.kind,
        "amount": f"{from_minor(move.amount_minor, account.currency):f}",
        "comment": comment_of(move.cause_id),
        "cause": move.cause,
        "cause_id": str(move.cause_id),
    }
    return await ask_platform(work, account, RequestKind.BALANCE, arguments)


def comment_of(cause_id: UUID) -> str:
    """What stands on the platform beside the money; MT4 keeps 31 characters."""
    return f"bd:{cause_id.hex[:_TOKEN_HEX]}"
