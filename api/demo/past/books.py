"""Money of the past: what was paid in and out at the cashier before this one, and settled there.

It has a connection of its own, paused: nothing new goes through it, and nothing of it can be sent
back by a PSP that never had it.
"""

import csv
import io
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from api.demo.past.people import PAY_MINUTE, Person, Stretch
from api.demo.story import PSP_ID, SERVER, BrandStory, fixed
from api.settings import Settings
from domain.kernel.money import Money, from_minor, to_minor
from domain.payments.commands.import_payments import PaymentRecord, Till
from domain.payments.commands.save_connection import ConnectionPlan, save_connection
from domain.payments.commands.save_method import MethodPlan, TermsPlan, save_method
from domain.payments.reconciliation.settlement_file import REQUIRED
from domain.payments.reconciliation.values import LineType
from domain.payments.values import (
    ConnectionStatus,
    MethodKind,
    PaymentDirection,
    PaymentKind,
)
from tenants.secrets import Vault
from tenants.work import WriteWork

_FEE_BPS = 140


def former_till(story: BrandStory) -> Till:
    """The method and connection of the cashier before this one."""
    slug = story.plan.slug
    return Till(fixed(f"past:{slug}:method"), fixed(f"past:{slug}:connection"))


async def save_former_till(work: WriteWork, settings: Settings, story: BrandStory) -> None:
    """Add the former cashier's connection and method, for what went through it."""
    till = former_till(story)
    connection = ConnectionPlan(
        till.connection_id,
        PSP_ID,
        story.plan.legal_entity_id,
        "Former cashier",
        api_key=secrets.token_urlsafe(32),
        notice_secrets=(secrets.token_urlsafe(32),),
        status=ConnectionStatus.PAUSED,
    )
    await save_connection(work, Vault(settings.home.secrets().master_key), connection)
    terms = [
        TermsPlan(direction, currency, min_minor=1, max_minor=10**12)
        for currency in story.plan.currencies
        for direction in PaymentDirection
    ]
    method = MethodPlan(
        till.method_id, till.connection_id, MethodKind.CARD, "Card (former cashier)", terms,
        refundable_days=0, position=99, enabled=False,
    )  # fmt: skip
    await save_method(work, method)


def payments_of(
    story: BrandStory, known: Iterable[Person], stretch: Stretch
) -> list[PaymentRecord]:
    """What people paid in, put on their accounts and took out meanwhile; deposits first."""
    people, till, made = list(known), former_till(story), []
    for one in people:
        if one.pays_on is not None and one.pays_on in stretch.days:
            at = stretch.at(one.pays_on, PAY_MINUTE)
            made.append(
                _record(one, PaymentKind.DEPOSIT, one.amount, at, till=till, ext_id=f"pi_{one.n}")
            )
    for one in people:
        if one.pays_on is not None and one.pays_on in stretch.days and one.trades:
            at = stretch.at(one.pays_on, PAY_MINUTE + 15)
            made.append(_record(one, PaymentKind.TRANSFER, one.on_account, at))
    for one in people:
        if one.takes_on is not None and one.takes_on in stretch.days:
            at = stretch.at(one.takes_on, PAY_MINUTE + 60)
            made.append(
                _record(
                    one, PaymentKind.WITHDRAWAL, _taken(one), at, till=till, ext_id=f"po_{one.n}"
                )
            )
    return made


def _taken(one: Person) -> int:
    """Half of what stayed in the wallet; so there is enough whatever the trades made."""
    return one.amount // 10


def _record(
    one: Person,
    kind: PaymentKind,
    amount: int,
    at: datetime,
    *,
    till: Till | None = None,
    ext_id: str | None = None,
) -> PaymentRecord:
    is_transfer = kind is PaymentKind.TRANSFER
    return PaymentRecord(
        one.payment_id(kind.lower()),
        kind,
        one.id,
        Money(to_minor(Decimal(amount), one.currency), one.currency),
        till,
        ext_id,
        f"•••• {1000 + one.n * 37 % 9000}" if till else None,
        one.account_id if is_transfer else None,
        SERVER.id if is_transfer else None,
        at,
    )


def settlement_of(day: date, made: Sequence[PaymentRecord]) -> str:
    """The former PSP's file of what it carried out: CSV; empty when there was nothing."""
    lines = [_line(day, one) for one in made if one.till is not None]
    if not lines:
        return ""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, REQUIRED)
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _line(day: date, one: PaymentRecord) -> dict[str, str]:
    is_deposit = one.kind is PaymentKind.DEPOSIT
    gross = one.amount.amount_minor if is_deposit else -one.amount.amount_minor
    fee = abs(gross) * _FEE_BPS // 10_000 if is_deposit else 0

    def shown(minor: int) -> str:
        return format(from_minor(minor, one.amount.currency), "f")

    return {
        "settlement_id": f"st-{day.isoformat()}",
        "date": day.isoformat(),
        "type": LineType.PAYMENT if is_deposit else LineType.PAYOUT,
        "psp_id": one.ext_id or "",
        "reference": one.id.hex,
        "currency": one.amount.currency,
        "gross": shown(gross),
        "fee": shown(fee),
        "net": shown(gross - fee),
    }
