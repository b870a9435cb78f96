"""Rows of the cashier and the ledger, inserted as the owner: for tests that only look at them.

What commands leave behind is tested over `tests.domain.payments.till`; here is one of everything
that the API shows of money, with a mark in each text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from domain.kernel.ids import new_uuid
from domain.payments.ledger import tables as ledger
from domain.payments.tables import (
    approval,
    payment,
    payment_method,
    payment_policy,
    payment_step,
    psp,
    psp_connection,
    withdrawal_leg,
)
from tests.factories import Account, Brand, Client, Factory


@dataclass(frozen=True)
class Cashier:
    """A brand's merchant account and one payment method."""

    brand: Brand
    connection_id: UUID
    method_id: UUID


def open_cashier(make: Factory, brand: Brand, *, mark: str = "") -> Cashier:
    """A connection to a PSP that nobody calls, and cards over it."""
    made, psp_id, now = Cashier(brand, new_uuid(), new_uuid()), new_uuid(), datetime.now(UTC)
    values = {"id": psp_id, "name": f"psp-{psp_id.hex}", "kind": "SANDBOX", "endpoint": "http://-"}
    make.run(brand, insert(psp).values(values))
    make.insert(
        psp_connection, brand, id=made.connection_id, psp_id=psp_id, name=f"till{mark}",
        legal_entity_id=brand.legal_entity_id, status="ACTIVE", api_key_cipher=b"-",
        notice_secrets_cipher=b"-", created_at=now,
    )  # fmt: skip
    make.insert(
        payment_method, brand, id=made.method_id, connection_id=made.connection_id, kind="CARD",
        name=f"Cards{mark}", refundable_days=180, countries=[], position=1, enabled=True,
    )  # fmt: skip
    make.insert(
        payment_policy, brand, cooling_off_hours=24, fx_spread_bps=100, fx_quote_seconds=15,
        withdrawal_days=30, clearing_hours=24, dispute_closes_trading=True,
    )  # fmt: skip
    return made


def pay(
    make: Factory, cashier: Cashier, client: Client, account: Account, *, mark: str = ""
) -> None:
    """A deposit, a withdrawal that goes back to it and waits for approval, and a transfer."""
    deposit = _payment(
        make, cashier, client, mark, kind="DEPOSIT", status="PENDING",
        checkout_url=f"https://pay.example/{mark}", source_label=f"card {mark}",
    )  # fmt: skip
    withdrawal = _payment(
        make, cashier, client, mark, kind="WITHDRAWAL", status="REQUESTED", risk="LOW",
        approval_round=1, expires_at=datetime.now(UTC) + timedelta(days=1),
    )  # fmt: skip
    _payment(
        make, cashier, client, mark, kind="TRANSFER", status="SENDING", to_kind="ACCOUNT",
        to_id=account.id,
    )  # fmt: skip
    whose = {"payment_id": withdrawal, "client_id": client.id, "ib_path": client.ib_path}
    now = datetime.now(UTC)
    make.insert(
        withdrawal_leg, client, id=new_uuid(), n=1, kind="REFUND", status="HELD", currency="USD",
        deposit_id=deposit, method_id=cashier.method_id, connection_id=cashier.connection_id,
        amount_minor=100, label=f"card {mark}", hold_id=new_uuid(), updated_at=now, **whose,
    )  # fmt: skip
    make.insert(
        approval, client, id=new_uuid(), round=1, n=1, level="BACK_OFFICE", status="PENDING",
        reason=mark, created_at=now, **whose,
    )  # fmt: skip


def _payment(make: Factory, cashier: Cashier, client: Client, mark: str, **columns: Any) -> UUID:
    key, now = new_uuid(), datetime.now(UTC)
    row = {
        "id": key, "client_id": client.id, "ib_path": client.ib_path, "version": 1,
        "reference": f"{columns['kind'][0]}-{key.hex[-12:]}{mark}", "currency": "USD",
        "amount_minor": 100, "fee_minor": 0, "method_id": cashier.method_id,
        "connection_id": cashier.connection_id, "created_at": now, "updated_at": now,
    } | columns  # fmt: skip
    make.insert(payment, client, **row)
    make.insert(
        payment_step, client, payment_id=key, n=1, client_id=client.id, ib_path=client.ib_path,
        status=row["status"], reason_code=mark or None, actor_kind="CLIENT", actor_id=client.id,
        at=now,
    )  # fmt: skip
    return key


def book(make: Factory, brand: Brand, marked: Sequence[tuple[Client | None, str]]) -> None:
    """For each client a wallet with 10.00, of which 1.00 is held, and what put it there; the
    other side, and an entry of its own, for the house (None)."""
    house = _account(make, brand, None, dict(marked).get(None, ""), posted=-1_000 * len(marked))
    other = _account(make, brand, None, f"{dict(marked).get(None, '')}2", posted=1_000)
    for client, mark in marked:
        wallet = other if client is None else _account(make, brand, client, mark, posted=1_000)
        _entry(make, brand, (house, wallet), client, mark=mark, held=client is not None)


def _account(make: Factory, brand: Brand, client: Client | None, mark: str, *, posted: int) -> UUID:
    key = new_uuid()
    held = 0 if client is None else 100
    make.insert(
        ledger.ledger_account, brand, id=key, asset="USD", created_at=datetime.now(UTC),
        kind="BANK" if client is None else "CLIENT_WALLET",
        reference=mark if client is None else client.id.hex, posted=posted, pending_out=held,
        client_id=None if client is None else client.id,
        min_balance=None if client is None else 0,
    )  # fmt: skip
    return key


def _entry(
    make: Factory,
    brand: Brand,
    accounts: tuple[UUID, UUID],
    client: Client | None,
    *,
    mark: str,
    held: bool,
) -> None:
    """An entry of 10.00 from the first account to the second, and a hold of 1.00 back."""
    whose = None if client is None else client.id
    tables = [(ledger.ledger_posting, "POSTED", 1_000)]
    tables += [(ledger.ledger_hold_leg, "PENDING", -100)] if held else []
    for table, state, amount in tables:
        key, now = new_uuid(), datetime.now(UTC)
        make.insert(
            ledger.ledger_transfer, brand, id=key, key=f"{state}:{key.hex}:{mark}", kind="TEST",
            state=state, client_id=whose, actor_kind="SYSTEM", reason=mark, meta={"mark": mark},
            hash=b"-", effective_at=now, recorded_at=now,
        )  # fmt: skip
        legs = [
            {
                "brand_id": brand.id, "transfer_id": key, "n": n, "account_id": account,
                "asset": "USD", "amount": part, "client_id": whose if n == 2 else None,
            }
            for n, (account, part) in enumerate(zip(accounts, (-amount, amount), strict=True), 1)
        ]  # fmt: skip
        if table is ledger.ledger_posting:
            legs = [leg | {"recorded_at": now} for leg in legs]
        make.run(brand, insert(table).values(legs))
