"""The transfers of a dispute: what `rules.decide_moves` says, in postings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.kernel.money import Money
from domain.payments.disputes.values import Moves
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.values import (
    AccountKey,
    LedgerAccountKind,
    Leg,
    Transfer,
    TransferState,
)
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose dispute it is, and at which of its versions something is booked."""

    id: UUID
    client_id: UUID
    connection_id: UUID
    amount: Money
    version: int
    hold_id: UUID | None

    @classmethod
    def of(cls, row: Mapping[str, Any], hold_id: UUID | None) -> "Subject":
        """Of a dispute's row; `hold_id` is the hold that was there before."""
        amount = Money(int(row["amount_minor"]), row["currency"])
        connection_id, version = row["connection_id"], row["ext_version"]
        return cls(row["id"], row["client_id"], connection_id, amount, version, hold_id)


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger accounts that a dispute moves."""

    wallet: UUID
    owed: UUID
    clearing: UUID
    fees: UUID


async def open_books(
    work: WriteWork, subject: Subject, *, elsewhere: LedgerAccountKind | None
) -> Books:
    """The accounts of a dispute, opened where missing. What was never credited to its client's
    wallet is no debt: it leaves the account of the house where it is, `elsewhere`, and no wallet
    is opened for it."""
    asset, connection_id = subject.amount.currency, subject.connection_id
    wallet = AccountKey.wallet(subject.client_id, asset)
    owed = AccountKey.owed_by(subject.client_id, asset)
    if elsewhere is not None:
        wallet = owed = AccountKey.of(elsewhere, asset)
    keys = (
        wallet,
        owed,
        AccountKey.of(LedgerAccountKind.PSP_CLEARING, asset, connection_id),
        AccountKey.of(LedgerAccountKind.PSP_FEES, asset, connection_id),
    )
    found = await ledger_accounts(work, keys)
    return Books(*(found[key] for key in keys))


def transfers_of(
    subject: Subject, books: Books, moves: Moves, *, fee_minor: int, hold_id: UUID
) -> list[Transfer]:
    """What to post, all in one call. `fee_minor` is what the PSP's fee grew by; `hold_id` will be
    the id of a new hold."""
    amount = subject.amount.amount_minor
    made = []
    if moves.takes:
        made.append(_moved(subject, "open", books.owed, books.clearing, amount))
    if fee_minor:
        made.append(_moved(subject, "fee", books.fees, books.clearing, fee_minor))
    if moves.holds:
        made.append(
            _moved(
                subject, "hold", books.wallet, books.owed, moves.holds,
                state=TransferState.PENDING, id=hold_id,
            )
        )  # fmt: skip
    if moves.collects:
        made.append(_moved(subject, "collect", books.wallet, books.owed, moves.collects))
    if moves.gives:
        made.append(_moved(subject, "reversal", books.clearing, books.owed, amount))
    if moves.returns:
        made.append(_moved(subject, "return", books.owed, books.wallet, moves.returns))
    return made


def resolution_of(subject: Subject, books: Books, moves: Moves, held_minor: int) -> list[Transfer]:
    """What becomes of the hold there is: posted against the debt, or released."""
    if moves.posts:
        held = _moved(
            subject, "lost", books.wallet, books.owed, held_minor, resolves=subject.hold_id
        )
        return [held]
    if moves.voids:
        return [
            Transfer(
                _key(subject, "release"), "DISPUTE_RELEASE", state=TransferState.VOID,
                resolves=subject.hold_id, client_id=subject.client_id, meta=_meta(subject),
            )
        ]  # fmt: skip
    return []


def _moved(
    subject: Subject, step: str, source: UUID, target: UUID, amount_minor: int, **more: object
) -> Transfer:
    currency = subject.amount.currency
    return Transfer(
        _key(subject, step),
        f"DISPUTE_{step.upper()}",
        (
            Leg(source, Money(-amount_minor, currency)),
            Leg(target, Money(amount_minor, currency)),
        ),
        client_id=None if step == "fee" else subject.client_id,
        meta=_meta(subject),
        **more,  # type: ignore[arg-type] # fields of a Transfer
    )


def _key(subject: Subject, step: str) -> str:
    return f"dispute:{subject.id.hex}:{subject.version}:{step}"


def _meta(subject: Subject) -> dict[str, str]:
    return {"dispute_id": str(subject.id)}
