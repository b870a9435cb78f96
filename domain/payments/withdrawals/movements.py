"""The transfers of a withdrawal. Each has a key for ever, so that none is posted twice.

Credits are positive: a withdrawal takes from the wallet and adds to what we no longer have at the
PSP. `withdrawal:<leg>:hold` and `:firm` hold, `:paid` posts, `:release` gives free, `:returned`
brings back; the fee's are `withdrawal:<payment>:fee:<round>:…`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.values import (
    AccountKey,
    LedgerAccountKind,
    Leg,
    Transfer,
    TransferState,
)
from tenants.work import WriteWork

WITHDRAWAL, FEE, RETURN = "WITHDRAWAL", "WITHDRAWAL_FEE", "WITHDRAWAL_RETURN"


@dataclass(frozen=True, slots=True)
class Hold:
    """A new hold: its key's stem, how much of which wallet, and whose account the money goes to."""

    stem: str
    kind: str
    amount: Money
    wallet: AccountKey
    target: AccountKey
    payment: UUID


def of_leg(row: Mapping[str, Any], leg: Mapping[str, Any], amount_minor: int | None = None) -> Hold:
    """What a leg moves, or less of it."""
    currency = leg["currency"]
    return Hold(
        stem=f"withdrawal:{leg['id'].hex}",
        kind=WITHDRAWAL,
        amount=Money(leg["amount_minor"] if amount_minor is None else amount_minor, currency),
        wallet=AccountKey.wallet(row["client_id"], currency),
        target=AccountKey.of(LedgerAccountKind.PSP_CLEARING, currency, leg["connection_id"]),
        payment=row["id"],
    )


def of_fee(row: Mapping[str, Any]) -> Hold:
    """The client's fee of a withdrawal's round."""
    return Hold(
        stem=f"withdrawal:{row['id'].hex}:fee:{row['approval_round']}",
        kind=FEE,
        amount=Money(int(row["fee_minor"]), row["currency"]),
        wallet=AccountKey.wallet(row["client_id"], row["currency"]),
        target=AccountKey.of(LedgerAccountKind.FEE_REVENUE, row["currency"]),
        payment=row["id"],
    )


class Movements:
    """The transfers a work will post in one call; accounts are looked up together."""

    def __init__(self) -> None:
        self._made: list[tuple[Hold | None, bool, dict[str, Any]]] = []

    def hold(self, one: Hold, hold_id: UUID, expires_at: datetime | None, *, tag: str) -> None:
        """Hold it under an id that its leg keeps; without an end once it is approved."""
        self._add(
            one, tag, id=hold_id, state=TransferState.PENDING, expires_at=expires_at
        )  # fmt: skip

    def pay(self, one: Hold, hold_id: UUID, *, source: str | None, external_id: str | None) -> None:
        """Post it against its hold; what it does not take is free again."""
        self._add(one, "paid", resolves=hold_id, source=source, external_id=external_id)

    def bring_back(self, one: Hold, *, source: str, external_id: str | None) -> None:
        """Money that was paid and came back to the wallet: a transfer of its own."""
        self._made.append(
            (
                one,
                True,
                {
                    "key": f"{one.stem}:returned",
                    "kind": RETURN,
                    "source": source,
                    "external_id": external_id,
                },
            )
        )

    def release(
        self, stem: str, kind: str, hold_id: UUID, state: TransferState = TransferState.VOID
    ) -> None:
        """Give a hold free: VOID, or EXPIRED when its time is over. Each hold has one end."""
        key = f"{stem}:release:{hold_id.hex}"
        self._made.append((None, False, {"key": key, "kind": kind, "state": state,
                                         "resolves": hold_id}))  # fmt: skip

    def _add(self, one: Hold, tag: str, **more: Any) -> None:
        self._made.append((one, False, {"key": f"{one.stem}:{tag}", "kind": one.kind, **more}))

    async def transfers(self, work: WriteWork, client_id: UUID) -> list[Transfer]:
        """All of them, for the one call of the work that posts."""
        accounts = await ledger_accounts(
            work, [key for one, _, _ in self._made if one for key in (one.wallet, one.target)]
        )
        return [
            Transfer(
                client_id=client_id,
                legs=_legs(one, accounts, is_back=back) if one else (),
                meta={"payment_id": str(one.payment)} if one else {},
                **how,
            )
            for one, back, how in self._made
        ]


def _legs(one: Hold, accounts: Mapping[AccountKey, UUID], *, is_back: bool) -> tuple[Leg, Leg]:
    into, out = (one.amount, -one.amount) if is_back else (-one.amount, one.amount)
    return Leg(accounts[one.wallet], into), Leg(accounts[one.target], out)
