"""A settlement is imported once, clears what we booked, and every difference is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

import pytest

from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import most_minor
from domain.payments.disputes.jobs import record
from domain.payments.ledger.tables import ledger_posting, ledger_transfer
from domain.payments.ledger.values import LedgerAccountKind as K
from domain.payments.reconciliation.commands.import_settlement import Imported, import_settlement
from domain.payments.reconciliation.tables import discrepancy, settlement, settlement_line
from domain.payments.tables import payment, withdrawal_leg
from domain.payments.values import LegKind, LegStatus, PaymentKind, PaymentStatus
from tenants.context import system_scope
from tests.domain.payments.till import Till
from tests.factories import Client, Factory

HEADING = "settlement_id,date,type,psp_id,reference,currency,gross,fee,net,line_id"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def cents(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02}"


def line(kind: str, psp_id: str, gross: int, fee: int = 0, **named: Any) -> str:
    """A line of a file, in US cents, dated yesterday."""
    values = {
        "settlement": "st_1", "date": YESTERDAY.date().isoformat(), "reference": psp_id,
        "currency": "USD", "line_id": f"ln_{new_uuid().hex}",
    } | named  # fmt: skip
    return ",".join(
        (
            values["settlement"], values["date"], kind, psp_id, values["reference"],
            values["currency"], cents(gross), cents(fee), cents(gross - fee), values["line_id"],
        )
    )  # fmt: skip


def file_of(*lines: str) -> str:
    return "\r\n".join((HEADING, *lines, ""))


@pytest.fixture
def client(make: Factory, till: Till) -> Client:
    return make.client(till.brand)


async def bring(till: Till, content: str, **more: Any) -> Imported:
    done = await till.database.write(
        system_scope(till.brand.id),
        lambda work: import_settlement(
            work, till.connection_id, name="day.csv", content=content, **more
        ),
    )
    return done.value


def found(till: Till) -> list[tuple[str, str, int | None, int | None]]:
    """Kind, state, expected and actual of each discrepancy."""
    rows = till.make.rows(discrepancy, till.brand)
    return sorted((row.kind, row.status, row.expected_minor, row.actual_minor) for row in rows)


async def house(till: Till) -> dict[str, int]:
    return {
        "clearing": await till.balance(till.clearing()),
        "fees": await till.balance(till.fees()),
        "bank": await till.balance(till.house(K.BANK)),
        "suspense": await till.balance(till.house(K.SUSPENSE)),
    }


async def leg(till: Till, client: Client, amount: int, kind: LegKind, **columns: Any) -> UUID:
    """A part of a withdrawal that was paid, with its posting."""
    withdrawal = till.payment(
        client, amount, kind=PaymentKind.WITHDRAWAL, status=PaymentStatus.PAID, settled_at=None,
        credited_minor=None, credited_currency=None, ext_id=None, connection_id=None,
    )  # fmt: skip
    key = new_uuid()
    row = {
        "id": key, "payment_id": withdrawal["id"], "client_id": client.id, "ib_path": "", "n": 1,
        "kind": kind, "status": LegStatus.PAID, "method_id": new_uuid(), "label": "x",
        "deposit_id": new_uuid() if kind is LegKind.REFUND else None, "currency": "USD",
        "destination_id": None, "connection_id": till.connection_id, "amount_minor": amount,
        "hold_id": new_uuid(), "ext_id": f"po_{key.hex}", "updated_at": datetime.now(UTC),
    } | columns  # fmt: skip
    till.make.insert(withdrawal_leg, till.brand, **row)
    await till.move(till.wallet(client), till.clearing(), amount)
    return key


async def test_a_day_of_everything_brings_the_clearing_account_back_to_zero(
    till: Till, client: Client
) -> None:
    deposits = [await till.deposit(client, 100_00) for _ in range(4)]
    refund = await leg(till, client, 30_00, LegKind.REFUND)
    payout = await leg(till, client, 50_00, LegKind.PAYOUT)
    for deposit, outcome in zip(deposits[:2], ("LOST", "WON"), strict=True):
        stated = till.disputed(deposit, outcome, version=1)
        await record(till.database, till.brand.id, till.connection_id, stated)
    disputes = [f"dp_{one['ext_id'][4:]}" for one in deposits[:2]]
    done = await bring(
        till,
        file_of(
            *(line("payment", one["ext_id"], 100_00, 2_90) for one in deposits),
            line("refund", f"po_{refund.hex}", -30_00),
            line("payout", "po_answer_lost", -50_00, 25, reference=payout.hex),
            *(line("dispute", one, -100_00) for one in disputes),
            *(line("dispute_fee", one, -15_00) for one in disputes),
            line("dispute_reversal", disputes[1], 100_00),
        ),
    )
    fees = 4 * 2_90 + 25
    net = 400_00 - fees - 30_00 - 50_00 - 200_00 - 30_00 + 100_00
    assert await house(till) == {
        "clearing": 0, "fees": -fees - 30_00, "bank": -net, "suspense": 0
    }  # fmt: skip
    assert found(till) == []
    (row,) = till.make.rows(settlement, till.brand)
    assert (row.id, row.lines, row.matched, row.differing) == (done.settlement_id, 11, 11, 0)


async def test_a_settlement_books_one_transfer_with_exact_postings(
    till: Till, client: Client
) -> None:
    deposit = await till.deposit(client, 100_00)
    done = await bring(till, file_of(line("payment", deposit["ext_id"], 100_00, 2_90)))
    (transfer,) = [
        row
        for row in till.make.rows(ledger_transfer, till.brand)
        if row.key == f"settlement:{done.settlement_id.hex}:USD"
    ]
    postings = [
        row.amount
        for row in till.make.rows(ledger_posting, till.brand)
        if row.transfer_id == transfer.id
    ]
    assert sorted(postings) == [-97_10, -2_90, 100_00]
    assert await house(till) == {"clearing": 0, "fees": -2_90, "bank": -97_10, "suspense": 0}


async def test_the_same_file_twice_is_imported_once(till: Till, client: Client) -> None:
    deposit = await till.deposit(client, 100_00)
    content = file_of(line("payment", deposit["ext_id"], 100_00, 2_90))
    first, again = await bring(till, content), await bring(till, content)
    assert (first.replayed, again.replayed) == (False, True)
    assert first.settlement_id == again.settlement_id
    assert (await house(till))["bank"] == -97_10


async def test_a_line_that_an_earlier_file_had_counts_once(till: Till, client: Client) -> None:
    one, two = await till.deposit(client, 100_00), await till.deposit(client, 50_00)
    first = line("payment", one["ext_id"], 100_00)
    await bring(till, file_of(first))
    await bring(till, file_of(first, line("payment", two["ext_id"], 50_00)))
    assert await house(till) == {"clearing": 0, "fees": 0, "bank": -150_00, "suspense": 0}
    assert len(till.make.rows(settlement_line, till.brand)) == 2
    assert [row.lines for row in till.make.rows(settlement, till.brand)] == [1, 1]


@pytest.mark.parametrize(
    ("gross", "fee", "told"),
    [(90_00, 2_90, (100_00, 90_00)), (100_00, 3_90, (97_10, 96_10))],
    ids=["another amount", "another fee"],
)
async def test_a_line_that_a_later_file_tells_otherwise_is_told_and_books_nothing(
    till: Till, client: Client, gross: int, fee: int, told: tuple[int, int]
) -> None:
    deposit = await till.deposit(client, 100_00)
    first = line("payment", deposit["ext_id"], 100_00, 2_90, line_id="ln_1")
    await bring(till, file_of(first))
    booked = await house(till)
    await bring(till, file_of(line("payment", deposit["ext_id"], gross, fee, line_id="ln_1")))
    assert found(till) == [("SETTLEMENT_DIFFERS", "OPEN", *told)]
    assert await house(till) == booked
    assert [
        (row.lines, row.matched, row.differing) for row in till.make.rows(settlement, till.brand)
    ] == [(1, 1, 0), (0, 0, 1)]
    await bring(till, file_of(first, ""))
    assert found(till) == [("SETTLEMENT_DIFFERS", "RESOLVED", *told)]
    assert await house(till) == booked


async def test_without_line_ids_a_line_is_known_by_what_it_is_about(
    till: Till, client: Client
) -> None:
    deposit = await till.deposit(client, 100_00)
    plain = line("payment", deposit["ext_id"], 100_00).rpartition(",")[0]
    heading = HEADING.rpartition(",")[0]
    await bring(till, f"{heading}\n{plain}\n")
    await bring(till, f"{heading}\n{plain}\n\n")
    assert (await house(till))["bank"] == -100_00


async def test_what_a_line_has_too_much_is_in_suspense_and_told(till: Till, client: Client) -> None:
    deposit = await till.deposit(client, 100_00)
    await bring(till, file_of(line("payment", deposit["ext_id"], 120_00)))
    assert await house(till) == {"clearing": 0, "fees": 0, "bank": -120_00, "suspense": 20_00}
    assert found(till) == [("SETTLEMENT_DIFFERS", "OPEN", 100_00, 120_00)]


async def test_what_a_line_lacks_stays_and_is_made_good_by_the_next(
    till: Till, client: Client
) -> None:
    deposit = await till.deposit(client, 100_00)
    await bring(till, file_of(line("payment", deposit["ext_id"], 60_00)))
    assert await house(till) == {"clearing": -40_00, "fees": 0, "bank": -60_00, "suspense": 0}
    assert found(till) == [("SETTLEMENT_DIFFERS", "OPEN", 100_00, 60_00)]
    await bring(till, file_of(line("payment", deposit["ext_id"], 40_00)))
    assert await house(till) == {"clearing": 0, "fees": 0, "bank": -100_00, "suspense": 0}
    assert found(till) == [("SETTLEMENT_DIFFERS", "RESOLVED", 100_00, 60_00)]


@pytest.mark.parametrize("fee", [-1, 100_01])
async def test_a_fee_that_no_psp_keeps_is_told(till: Till, client: Client, fee: int) -> None:
    deposit = await till.deposit(client, 100_00)
    await bring(till, file_of(line("payment", deposit["ext_id"], 100_00, fee)))
    assert await house(till) == {"clearing": 0, "fees": -fee, "bank": fee - 100_00, "suspense": 0}
    assert found(till) == [("SETTLEMENT_DIFFERS", "OPEN", None, fee)]
    (row,) = till.make.rows(settlement, till.brand)
    assert (row.matched, row.differing) == (0, 1)


@pytest.mark.parametrize("fee", [2_90, 99_99, 0])
async def test_a_fee_is_what_the_psp_said_before(till: Till, client: Client, fee: int) -> None:
    deposit = till.payment(client, 100_00)
    await till.move(
        till.clearing(), till.wallet(client), 100_00,
        key=f"deposit:{deposit['id'].hex}:settle:10000", meta={"psp_fee_minor": "290"},
    )  # fmt: skip
    await bring(till, file_of(line("payment", deposit["ext_id"], 100_00, fee)))
    assert (await house(till))["clearing"] == 0
    expected = [] if fee == 2_90 else [("SETTLEMENT_DIFFERS", "OPEN", 2_90, fee)]
    assert found(till) == expected


async def test_two_parts_of_a_payment_in_one_file_match_together(
    till: Till, client: Client
) -> None:
    deposit = await till.deposit(client, 100_00)
    parts = (line("payment", deposit["ext_id"], part) for part in (60_00, 40_00))
    await bring(till, file_of(*parts))
    assert (await house(till))["clearing"] == 0
    assert found(till) == []


async def test_another_currency_clears_nothing(till: Till, client: Client) -> None:
    deposit = await till.deposit(client, 100_00)
    await bring(till, file_of(line("payment", deposit["ext_id"], 100_00, currency="EUR")))
    assert (await house(till))["clearing"] == -100_00
    assert found(till) == [("SETTLEMENT_DIFFERS", "OPEN", None, 100_00)]


@pytest.mark.parametrize(
    ("kind", "gross"),
    [("payment", 70_00), ("refund", -70_00), ("payout", -70_00), ("dispute", -70_00)],
)
async def test_a_line_about_nothing_of_ours_is_in_suspense_and_told(
    till: Till, kind: str, gross: int
) -> None:
    await bring(till, file_of(line(kind, "psp_unknown", gross, 1_00)))
    assert await house(till) == {
        "clearing": 0, "fees": -1_00, "bank": -gross + 1_00, "suspense": gross
    }  # fmt: skip
    assert found(till) == [("SETTLEMENT_EXTRA", "OPEN", None, gross)]


async def test_what_the_psp_gave_back_by_itself_is_matched_by_its_payment(
    till: Till, client: Client
) -> None:
    deposit = await till.deposit(client, 100_00, taken_back_minor=30_00)
    await till.move(till.wallet(client), till.clearing(), 30_00)
    await bring(
        till,
        file_of(line("payment", deposit["ext_id"], 100_00), line("refund", "ref_x", -30_00)),
        refunds={"ref_x": deposit["ext_id"]},
    )
    assert await house(till) == {"clearing": 0, "fees": 0, "bank": -70_00, "suspense": 0}
    assert found(till) == []


async def test_what_no_settlement_has_is_missing_until_one_has_it(
    till: Till, client: Client
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=2)
    late = await till.deposit(client, 100_00, settled_at=long_ago)
    fresh = await till.deposit(client, 50_00)
    paid = await leg(till, client, 30_00, LegKind.PAYOUT, updated_at=long_ago)
    other = await till.deposit(client, 10_00)
    await bring(till, file_of(line("payment", other["ext_id"], 10_00)))
    assert found(till) == [
        ("SETTLEMENT_MISSING", "OPEN", -30_00, 0),
        ("SETTLEMENT_MISSING", "OPEN", 100_00, 0),
    ]
    await bring(
        till,
        file_of(
            line("payment", late["ext_id"], 100_00),
            line("payment", fresh["ext_id"], 50_00),
            line("payout", f"po_{paid.hex}", -30_00),
        ),
    )
    assert {row[1] for row in found(till)} == {"RESOLVED"}
    assert (await house(till))["clearing"] == 0


GOOD = line("payment", "pay_1", 100_00)
MOST = most_minor("USD")
_BAD: dict[str, tuple[str, int]] = {
    "no heading": ("", 1),
    "no column": (f"{HEADING.replace('gross', 'g')}\n{GOOD}\n", 1),
    "too few fields": (f"{HEADING}\n{GOOD}\nst_1,2026-01-01\n", 3),
    "too many fields": (f"{HEADING}\n{GOOD},x\n", 2),
    "wrong sum": (f"{HEADING}\n{GOOD.replace('100.00,0.00,100.00', '100.00,1.00,100.00')}\n", 2),
    "no amount": (f"{HEADING}\n{GOOD.replace('100.00,0.00', '1e2,0.00')}\n", 2),
    "decimals": (f"{HEADING}\n{GOOD.replace('100.00,0.00', '100.001,0.00')}\n", 2),
    "too much": (f"{HEADING}\n{GOOD.replace('100.00', '9' * 36 + '.00')}\n", 2),
    "too much together": (f"{HEADING}\n{line('payment', 'a', MOST)}\n{GOOD}\n", 3),
    "no date": (f"{HEADING}\n{GOOD.replace(YESTERDAY.date().isoformat(), '2026-13-01')}\n", 2),
    "before all": (f"{HEADING}\n{GOOD.replace(YESTERDAY.date().isoformat(), '0001-01-01')}\n", 2),
    "after all": (f"{HEADING}\n{GOOD.replace(YESTERDAY.date().isoformat(), '9999-12-31')}\n", 2),
    "no type": (f"{HEADING}\n{GOOD.replace('payment', 'gift')}\n", 2),
    "no currency": (f"{HEADING}\n{GOOD.replace('USD', 'us')}\n", 2),
    "no psp id": (f"{HEADING}\n{GOOD.replace('pay_1', '')}\n", 2),
    "unprintable": (HEADING + "\n" + GOOD.replace("pay_1", "pay\x07_1") + "\n", 2),
    "twice": (f"{HEADING}\n{GOOD}\n{GOOD}\n", 3),
    "open quote": (f'{HEADING}\n{GOOD}\n"st_1\n', 3),
}


@pytest.mark.parametrize("case", _BAD)
async def test_a_malformed_file_is_refused_whole_with_its_line(
    till: Till, client: Client, case: str
) -> None:
    content, at = _BAD[case]
    with pytest.raises(DomainError) as refused:
        await bring(till, content)
    assert refused.value.code == "SETTLEMENT_MALFORMED"
    assert f"Line {at}:" in refused.value.message
    for table in (settlement, settlement_line, discrepancy, ledger_transfer):
        assert till.make.rows(table, till.brand) == []


async def test_the_largest_amounts_there_are_can_be_booked(till: Till) -> None:
    await bring(till, file_of(line("payment", "psp_unknown", MOST)))
    await bring(till, file_of(line("payment", "psp_unknown_2", MOST)))
    assert (await house(till))["suspense"] == 2 * MOST


async def test_another_brands_connection_does_not_exist(
    till: Till, make: Factory, count_statements: Callable[[], Any]
) -> None:
    other = Till(make, till.database, make.brand()).open()
    with pytest.raises(DomainError) as refused:
        await till.database.write(
            system_scope(till.brand.id),
            lambda work: import_settlement(
                work, other.connection_id, name="x", content=file_of(GOOD)
            ),
        )
    assert (refused.value.code, refused.value.path) == ("NOT_FOUND", ("input", "merchantAccountId"))
    assert till.make.rows(settlement, till.brand) == []


async def test_ten_thousand_lines_take_seconds_and_a_fixed_number_of_statements(
    till: Till, client: Client, count_statements: Callable[[], Any]
) -> None:
    some = [till.payment(client, 100_00) for _ in range(20)]
    await till.move(till.clearing(), till.wallet(client), 20 * 100_00)
    small = file_of(*(line("payment", one["ext_id"], 100_00) for one in some[:10]))
    large = file_of(
        *(line("payment", one["ext_id"], 100_00) for one in some[10:]),
        *(line("payment", f"pay_unknown_{n}", 1_00) for n in range(9_990)),
    )
    with count_statements() as few:
        await bring(till, small)
    began = perf_counter()
    with count_statements() as many:
        await bring(till, large)
    assert perf_counter() - began < 20
    assert (await house(till))["suspense"] == 9_990_00
    assert len(found(till)) == 9_990
    # Events go in by the thousand; suspense is one more account.
    assert many.total <= few.total + 12, str(many)
    assert len(till.make.rows(payment, till.brand)) == 20
