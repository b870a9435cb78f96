"""Begin the payment of a purchase at a PSP: a deposit that never touches a wallet."""

from dataclasses import dataclass
from uuid import UUID

from domain.clients.standing import ClientStanding
from domain.kernel.errors import NotFound
from domain.kernel.money import Money
from domain.kernel.pages import is_own_page
from domain.payments.commands.record_payment import create_payment
from domain.payments.deposits.errors import ReturnRefused
from domain.payments.deposits.queries import find_offer, list_methods
from domain.payments.deposits.rules import decide_fee
from domain.payments.values import PaymentDirection, PaymentKind, PaymentStatus
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class PurchasePayment:
    """What is paid, for what, and how. Whoever asks has judged the client and the price."""

    purchase_id: UUID
    amount: Money
    method_id: UUID
    return_url: str


async def create_purchase_payment(
    work: WriteWork, payer: ClientStanding, wish: PurchasePayment, *, allow_local: bool = False
) -> UUID:
    """Create the payment that a job will start at its PSP; its id.

    The payer pays the amount and nothing on top: the method's fee is the house's own. Once it is
    settled the money lies in PURCHASE_PREPAID; events of the deposit name `purchase_id`.
    Refusals: NOT_FOUND, INVALID (return address), METHOD_UNAVAILABLE, BELOW_MINIMUM,
    ABOVE_MAXIMUM. Effects: event `deposit_created`.
    """
    offer = await find_offer(work)
    if not is_own_page(
        wish.return_url, hosts=offer.hosts, origins=offer.origins, allow_local=allow_local
    ):
        raise ReturnRefused()
    methods = await list_methods(
        work, PaymentDirection.DEPOSIT, wish.amount.currency, method_id=wish.method_id
    )
    if not methods:
        raise NotFound(path=("input", "methodId"))
    (method,) = methods
    decide_fee(method, wish.amount, country=payer.country)
    made = await create_payment(
        work,
        {
            "kind": PaymentKind.DEPOSIT,
            "status": PaymentStatus.CREATED,
            "client_id": payer.id,
            "ib_path": payer.ib_path,
            "connection_id": method.connection_id,
            "method_id": method.id,
            "return_url": wish.return_url,
            "currency": wish.amount.currency,
            "amount_minor": wish.amount.amount_minor,
            "fee_minor": 0,
            "purchase_id": wish.purchase_id,
        },
    )
    return UUID(str(made["id"]))
