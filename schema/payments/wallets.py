"""Wallets, payment methods and payout destinations, bound to `domain.payments.reads`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain.payments import values
from domain.payments.actions import destination_actions
from schema.payments.enums import DestinationStatus, MethodKind
from schema.shared.action import Action
from schema.shared.bind import Info, Node, bound, computed, field, money, one, value
from schema.shared.scalars import URL, CurrencyCode, Money

if TYPE_CHECKING:
    from schema.clients.types import Client

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
    client: ClientRef = one("Whose it is.", needs="clients:read")


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

    @field("What you can do with it now.", reads=("status", "is_cooling_off"))
    def actions(self, info: Info) -> list[Action]:
        record: Any = self
        possible = destination_actions(
            values.DestinationStatus(record.status),
            info.context.scope.permissions,
            is_cooling_off=record.is_cooling_off,
        )
        return [
            Action(name=each.name, allowed=each.allowed, reason_code=each.reason_code)
            for each in possible
        ]
