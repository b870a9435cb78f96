"""Wallets, payment methods and payout destinations, bound to `domain.payments.reads`."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import strawberry

from domain.payments import values
from domain.payments.actions import destination_actions
from domain.payments.statements import values as values_of
from domain.payments.statements.links import StatementLinks
from domain.payments.statements.rules import check_days
from domain.payments.statements.values import StatementAsked
from schema.payments.enums import DestinationStatus, MethodKind, StatementFormat
from schema.shared.action import Action
from schema.shared.bind import Info, Node, bound, computed, field, money, one, value
from schema.shared.scalars import URL, CurrencyCode, Money

if TYPE_CHECKING:
    from schema.clients.types import Client


class StatementServices(Protocol):
    """What these types need of the application."""

    @property
    def statements(self) -> StatementLinks: ...


_From = Annotated[date, strawberry.argument(name="from", description="First day, included.")]
_To = Annotated[date, strawberry.argument(name="to", description="Last day, included.")]
_Format = Annotated[StatementFormat, strawberry.argument(description="The form of the file.")]
ClientRef = Annotated["Client", strawberry.lazy("schema.clients.types")]


@bound("wallet", "A client's money in one currency.", needs="wallets:read")
class Wallet(Node):
    currency_code: CurrencyCode = computed(
        "The currency.", lambda wallet: CurrencyCode(wallet.currency), reads=("currency",)
    )
    available: Money = money("What can be spent.", "available_minor", "currency")
    held: Money = money(
        "What is held for withdrawals and transfers that are on their way.",
        "held_minor",
        "currency",
    )
    debt: Money = money(
        "What the client owes in this currency for lost disputes; see `debtRepay`.",
        "debt_minor",
        "currency",
    )
    client: ClientRef = one("Whose it is.", needs="clients:read")

    @field(
        "Where to download what was posted between two days of the brand, with the balances "
        "before, between and after. The address is sealed and good for 5 minutes, as long as your "
        "session lives and you may see the wallet. Until then it is all one needs: open it at "
        "once, and neither store it nor pass it on. A token that is sent along must be yours.",
        cost=20,
    )
    def statement(
        self, info: Info, start: _From, end: _To, format: _Format = StatementFormat.CSV
    ) -> URL:
        record: Any = self
        services: StatementServices = info.context.services
        check_days(start, end)
        asked = StatementAsked(record.key, start, end, values_of.StatementFormat(str(format.value)))
        link = services.statements.make(info.context.scope, asked, now=info.context.now())
        return URL(f"{info.context.origin}/statements/{link}")


@bound("payment_method", "A way to pay that the brand offers.", needs="payments:read")
class PaymentMethod(Node):
    name: str = value("What to call it.")
    kind: MethodKind = value("What one pays with.")
    logo: URL | None = value("Its picture.", reads="logo_url")


@bound(
    "payout_destination",
    "Where a client's money can be paid out to. The account itself is sealed and never shown.",
    needs="destinations:read",
)
class PayoutDestination(Node):
    label: str = value("What tells it apart, such as the last digits.")
    status: DestinationStatus = value("Whether it can be used.")
    usable_from: datetime = value("When its cooling-off ends.")
    created_at: datetime = value("When it was added.")
    method: PaymentMethod = one("How it is paid.", needs="payments:read")
    client: ClientRef = one("Whose it is.", needs="clients:read")

    @field(
        "What you can do with it now.", reads=("status", "is_cooling_off", "is_held", "is_in_use")
    )
    def actions(self, info: Info) -> list[Action]:
        record: Any = self
        possible = destination_actions(
            values.DestinationStatus(record.status),
            info.context.scope.permissions,
            is_cooling_off=record.is_cooling_off,
            is_held=record.is_held,
            is_in_use=record.is_in_use,
        )
        return [
            Action(name=each.name, allowed=each.allowed, reason_code=each.reason_code)
            for each in possible
        ]
