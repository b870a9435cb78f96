"""Order a challenge: at the price with tax that the buyer has seen, paid as the buyer says."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import insert

from domain.accounts.rules import decide_client_may_act
from domain.challenges.commands.change_order import change_order
from domain.challenges.errors import WalletNotYours
from domain.challenges.events import ChallengeEventKind, order_event
from domain.challenges.lifecycle import (
    ByMethod,
    FromWallet,
    OrderStatus,
    Price,
    ProgramStatus,
    PurchaseWish,
)
from domain.challenges.postings import sale, sold_from
from domain.challenges.purchase_rules import decide_purchase, priced
from domain.challenges.queries import find_program, list_taxes
from domain.challenges.tables import challenge_order
from domain.clients.standing import ClientStanding, find_standing
from domain.compliance.identity.queries import is_prohibited
from domain.kernel.errors import DomainError, Invalid, NotFound, Refused
from domain.kernel.money import Money
from domain.payments.deposits.commands.create_purchase_payment import (
    PurchasePayment,
    create_purchase_payment,
)
from domain.payments.holding import CLIENT_RESTRICTED, require_free
from domain.payments.ledger.post import post
from domain.payments.ledger.queries import find_wallet
from domain.payments.ledger.values import AccountKey
from tenants.log import Change
from tenants.numbers import next_number
from tenants.work import WriteWork

FIRST_NUMBER = 100_001
# Where a buyer wrote what a payment is refused for.
_ASKED_AT: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    ("input", "methodId"): ("input", "pay", "method", "methodId"),
    ("input", "returnUrl"): ("input", "pay", "method", "returnUrl"),
    ("input", "amount"): ("input", "total"),
}


async def order_challenge(
    work: WriteWork, wish: PurchaseWish, *, allow_local: bool = False
) -> dict[str, str]:
    """Order a program; the order's id as `order`, and `payment` when it is paid at a PSP.

    Money of a wallet is taken at once, only from a wallet that the wish names and only when its
    owner asks. The price is a fee, so that no tier of identity limits it. `allow_local` lets
    payers return to pages of this machine, for development.
    Refusals: NOT_FOUND, EMAIL_NOT_VERIFIED, CLIENT_RESTRICTED, PROGRAM_CLOSED, PROGRAM_CHANGED,
    PRICE_CHANGED, WALLET_NOT_YOURS, INSUFFICIENT_FUNDS, INVALID and those of
    `create_purchase_payment`. Effects: `order_created`, then `order_paid` from a wallet; audit.
    """
    buyer = await _buyer(work, wish)
    await _decide_buyer(work, buyer)
    version = await find_program(work, wish.program_id)
    if version is None:
        raise NotFound(path=("input", "programId"))
    net = Money(int(version.price_minor), version.currency)
    price = priced(net, await list_taxes(work), buyer.country)
    decide_purchase(wish, price, status=ProgramStatus(version.status), sold=version.sold)
    order_id = work.new_id()
    made: dict[str, str] = {"order": str(order_id)}
    paid_by: dict[str, UUID] = {}
    match wish.pay:
        case ByMethod(method_id, return_url):
            asked = PurchasePayment(order_id, price.total, method_id, return_url)
            payment_id = await _payment(work, buyer, asked, allow_local=allow_local)
            paid_by, made["payment"] = {"payment_id": payment_id}, str(payment_id)
        case FromWallet(wallet_id):
            await _decide_wallet(work, buyer, wallet_id, price)
            paid_by = {"wallet_id": wallet_id}
    sold = {"program_version_id": version.id, **paid_by}
    row = await _insert(work, order_id, buyer, price, sold)
    if isinstance(wish.pay, FromWallet):
        await change_order(work, row, OrderStatus.PAID, {"paid_at": work.now()})
        wallet = AccountKey.wallet(buyer.id, price.total.currency)
        await post(work, [await sold_from(work, sale(row), wallet)])
    return made


async def _buyer(work: WriteWork, wish: PurchaseWish) -> ClientStanding:
    key = wish.client_id or work.scope.client_id
    standing = None if key is None else await find_standing(work, key)
    if standing is None:
        raise NotFound("Say who buys.", path=("input", "clientId"))
    return standing


async def _payment(
    work: WriteWork, buyer: ClientStanding, asked: PurchasePayment, *, allow_local: bool
) -> UUID:
    """The payment at a PSP; its refusals name the fields of a purchase."""
    try:
        return await create_purchase_payment(work, buyer, asked, allow_local=allow_local)
    except DomainError as refused:
        refused.path = _ASKED_AT.get(refused.path, refused.path)
        raise


async def _decide_buyer(work: WriteWork, buyer: ClientStanding) -> None:
    """Whether anything is sold to the client, however far its identity is proven.

    Refusals: EMAIL_NOT_VERIFIED; CLIENT_RESTRICTED, alike for whoever is held or PROHIBITED.
    """
    decide_client_may_act(buyer.status)
    await require_free(work, buyer.id)
    if await is_prohibited(work, buyer.id):
        raise Refused(CLIENT_RESTRICTED, "This client may not do that at present.")


async def _decide_wallet(
    work: WriteWork, buyer: ClientStanding, wallet_id: UUID, price: Price
) -> None:
    """Refusals: WALLET_NOT_YOURS, NOT_FOUND, INVALID for another currency."""
    if work.scope.client_id != buyer.id:
        raise WalletNotYours()
    wallet, path = await find_wallet(work, wallet_id), ("input", "pay", "walletId")
    if wallet is None or wallet.client_id != buyer.id:
        raise NotFound(path=path)
    if wallet.currency != price.total.currency:
        raise Invalid("INVALID", f"The price is in {price.total.currency}.", path=path)


async def _insert(
    work: WriteWork,
    order_id: UUID,
    buyer: ClientStanding,
    price: Price,
    sold: dict[str, UUID],
) -> object:
    number = await next_number(work, "challenge_order", start=FIRST_NUMBER)
    shown = {
        "currency": price.net.currency,
        "net_minor": price.net.amount_minor,
        "tax_minor": price.tax.amount_minor,
        "tax_bps": price.tax_bps,
        "tax_label": price.tax_label,
        "country": buyer.country,
        **sold,
    }
    row = await work.one(
        insert(challenge_order)
        .values(
            brand_id=work.scope.brand_id,
            id=order_id,
            client_id=buyer.id,
            ib_path=buyer.ib_path,
            reference=f"P-{number}",
            status=OrderStatus.AWAITING_PAYMENT,
            version=1,
            created_at=work.now(),
            updated_at=work.now(),
            **shown,
        )
        .returning(challenge_order)
    )
    work.emit(order_event(ChallengeEventKind.ORDER_CREATED, row))
    after = {name: str(value) for name, value in shown.items()}
    work.audit(
        Change("challenge.order", object_kind="challenge_order", object_id=order_id, after=after)
    )
    return row
