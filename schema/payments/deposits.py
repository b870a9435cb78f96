"""Deposits and the ways to pay: permission and shape here, the rest below."""

from collections.abc import Callable
from typing import Annotated, Any, Protocol
from uuid import UUID

import strawberry

from domain.accounts.rules import decide_client_may_act
from domain.clients.standing import ClientStanding, find_standing
from domain.compliance.identity.queries import find_tier
from domain.compliance.identity.rules import decide_deposit, decide_withdrawal, room_for
from domain.kernel.errors import Refused
from domain.kernel.ids import decode_id_of
from domain.kernel.money import Money as Amount
from domain.payments import values
from domain.payments.deposits.commands.cancel_deposit import cancel_deposit
from domain.payments.deposits.commands.create_deposit import create_deposit
from domain.payments.deposits.queries import list_methods, sum_of_deposits
from domain.payments.deposits.rules import fee_on, why_not
from domain.payments.deposits.values import Method
from domain.payments.deposits.waiting import started
from schema.accounts.asking import CLIENT, SHARED, ask, key_of, replayed
from schema.payments.deposit_inputs import DepositCancelInput, DepositCreateInput
from schema.payments.enums import PaymentDirection
from schema.payments.types import Deposit
from schema.payments.wallets import PaymentMethod
from schema.shared.bind import Info, fetch, fetch_below, field
from schema.shared.errors import mutation, payload, result
from schema.shared.permission import public
from schema.shared.scalars import CurrencyCode, Money, MoneyInput
from tenants.work import ReadWork


class PageServices(Protocol):
    """What deposits need of the application's services."""

    @property
    def allow_local_pages(self) -> bool: ...


@strawberry.type(
    description="A payment method as a client can use it in a currency, before anything is paid.",
    directives=public(),
)
class PaymentOption:
    currency_code: CurrencyCode | None = strawberry.field(
        description="The currency; null for a method that has none that way."
    )
    min: Money | None = strawberry.field(description="The smallest amount.")
    max: Money | None = strawberry.field(description="The largest amount.")
    fee: Money | None = strawberry.field(
        description="What the client pays for the amount that you asked about, above zero."
    )
    available: bool = strawberry.field(description="Whether the client can use it now.")
    unavailable_reason: str | None = strawberry.field(
        description="Why not: METHOD_CLOSED, COUNTRY_NOT_ALLOWED, CURRENCY_UNAVAILABLE, "
        "BELOW_MINIMUM, ABOVE_MAXIMUM, KYC_TIER_LIMIT, or the code by which the client is kept "
        "from it. Expect codes you don't know."
    )
    method_key: strawberry.Private[UUID]

    @field("The method; null when you may not see it.", needs="payments:read")
    async def method(self, info: Info) -> PaymentMethod | None:
        found: PaymentMethod | None = await fetch(info, "payment_method", self.method_key)
        return found


@payload(
    errors={
        **SHARED,
        **CLIENT,
        "METHOD_UNAVAILABLE": "The method is closed, or not for this country or currency.",
        "BELOW_MINIMUM": "Less than the method takes.",
        "ABOVE_MAXIMUM": "More than the method takes.",
        "KYC_TIER_LIMIT": "More than the client may pay in before more of its identity is proven; "
        "see `kyc`.",
    }
)
class DepositCreatePayload:
    deposit: Deposit | None = result(
        "The deposit. Send the payer to `next`; while it is CREATED, `depositEvents` tells when "
        "there is one."
    )
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        "DEPOSIT_NOT_CANCELLABLE": "It was paid or has ended.",
    }
)
class DepositCancelPayload:
    deposit: Deposit | None = result("The deposit. Money that comes all the same is credited.")
    replayed: bool = replayed()


_Create = Annotated[DepositCreateInput, strawberry.argument(description="What to pay in.")]
_Cancel = Annotated[DepositCancelInput, strawberry.argument(description="What to call off.")]
_Direction = Annotated[PaymentDirection, strawberry.argument(description="Money in or out.")]
_ClientId = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="Who pays or is paid; your own when you are the client and leave it out."
    ),
]
_Amount = Annotated[
    MoneyInput | None,
    strawberry.argument(
        description="How much, to be told the fee and whether it is within the limits; the methods "
        "are then told in its currency, otherwise once for each of theirs."
    ),
]


@strawberry.type
class DepositMutations:
    @mutation(
        "Begin a deposit. The answer waits up to two seconds for the page to pay on.",
        needs="deposits:create",
    )
    async def deposit_create(self, info: Info, input: _Create) -> DepositCreatePayload:
        wish, services = input.wish(), _services(info)
        exactly = f"{wish.amount.amount_minor} {wish.amount.currency}"
        done = await ask(
            info,
            input,
            lambda work: create_deposit(work, wish, allow_local=services.allow_local_pages),
            hidden={"amount": exactly},
        )
        key = UUID(done.value["deposit"])
        await started(info.context.database, info.context.scope, key)
        deposit = await fetch_below(info, "deposit", "payment", key)
        return DepositCreatePayload(deposit=deposit, replayed=done.replayed)

    @mutation("Call off a deposit that nobody has paid yet.", needs="deposits:create")
    async def deposit_cancel(self, info: Info, input: _Cancel) -> DepositCancelPayload:
        key = key_of("payment", input.deposit_id, "depositId")
        done = await ask(info, input, lambda work: cancel_deposit(work, key))
        deposit = await fetch_below(info, "deposit", "payment", key)
        return DepositCancelPayload(deposit=deposit, replayed=done.replayed)


@strawberry.type
class DepositQueries:
    @field(
        "How a client can pay in or be paid, with limits and fees; empty for a client that you may "
        "not see. For WITHDRAWAL a CARD only takes back what it paid in; banks and e-wallets can "
        "be payout destinations too.",
        needs="payments:read",
        cost=50,
    )
    async def payment_methods(
        self,
        info: Info,
        direction: _Direction,
        client_id: _ClientId = None,
        amount: _Amount = None,
    ) -> list[PaymentOption]:
        scope, work = info.context.scope, info.context.work
        asked = None if amount is None else amount.to_amount("amount")
        key = scope.client_id if client_id is None else decode_id_of("client", client_id)
        standing = await find_standing(work, key) if key else None
        if standing is None:
            return []
        methods = await list_methods(
            work, values.PaymentDirection[direction.name], asked.currency if asked else None
        )
        against = _against(standing.status)
        minor = asked.amount_minor if asked else None
        if against is None and direction is PaymentDirection.DEPOSIT:
            against = await _beyond_tier(work, standing, asked)
        if against is None and direction is PaymentDirection.WITHDRAWAL:
            against = _code_of(decide_withdrawal, await find_tier(work, standing))
        return [_option(one, minor, standing.country, against=against) for one in methods]


def _services(info: Info) -> PageServices:
    services: PageServices = info.context.services
    return services


def _against(status: Any) -> str | None:
    """The code by which the client is kept from paying at all."""
    return _code_of(decide_client_may_act, status)


async def _beyond_tier(
    work: ReadWork, standing: ClientStanding, asked: Amount | None
) -> str | None:
    """The code by which the client's tier keeps it from paying that in, or anything at all."""
    tier = await find_tier(work, standing)
    if tier is None or tier.deposits is None:
        return None
    used = await sum_of_deposits(work, standing.id)
    if asked is not None:
        return _code_of(decide_deposit, tier, used, asked)
    # Whoever has no room in any currency sees that before an amount is typed.
    has_room = any(room_for(tier, used, currency) for currency in tier.deposits)
    return None if has_room else "KYC_TIER_LIMIT"


def _code_of(decide: Callable[..., object], *facts: Any) -> str | None:
    """The code that a verdict refuses with; None when it does not."""
    try:
        decide(*facts)
    except Refused as refused:
        return refused.code
    return None


def _option(
    method: Method, amount_minor: int | None, country: str, *, against: str | None
) -> PaymentOption:
    reason = against or why_not(method, amount_minor, country=country)
    terms = method.terms
    fee = None
    if terms is not None and amount_minor is not None and amount_minor > 0:
        fee = Money.of(fee_on(terms, amount_minor), terms.currency)
    return PaymentOption(
        currency_code=CurrencyCode(terms.currency) if terms else None,
        min=Money.of(terms.min_minor, terms.currency) if terms else None,
        max=Money.of(terms.max_minor, terms.currency) if terms else None,
        fee=fee,
        available=reason is None,
        unavailable_reason=reason,
        method_key=method.id,
    )
