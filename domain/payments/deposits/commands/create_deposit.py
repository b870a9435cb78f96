"""Begin a deposit: a payment and, where there is none yet, a wallet. Nobody outside is asked."""

from domain.accounts.rules import decide_client_may_act
from domain.clients.standing import ClientStanding, find_standing, lock_client
from domain.compliance.identity.queries import find_tier
from domain.compliance.identity.rules import decide_deposit
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.pages import is_own_page
from domain.payments.commands.record_payment import create_payment
from domain.payments.deposits.errors import MethodUnavailable, ReturnRefused
from domain.payments.deposits.queries import find_offer, list_methods, sum_of_deposits
from domain.payments.deposits.rules import decide_fee
from domain.payments.deposits.values import DepositWish
from domain.payments.holding import require_free
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.queries import find_wallet
from domain.payments.ledger.values import AccountKey
from domain.payments.values import PaymentDirection, PaymentKind, PaymentStatus
from tenants.log import Change
from tenants.work import WriteWork


async def create_deposit(
    work: WriteWork, wish: DepositWish, *, allow_local: bool = False
) -> dict[str, str]:
    """Create a deposit that a job will start at its PSP; its id as `deposit`.

    `allow_local` lets payers return to pages of this machine, for development.
    Refusals: NOT_FOUND, INVALID (amount, currency or return address), EMAIL_NOT_VERIFIED,
    CLIENT_RESTRICTED, METHOD_UNAVAILABLE, BELOW_MINIMUM, ABOVE_MAXIMUM, KYC_TIER_LIMIT.
    Effects: event `deposit_created`, audit.
    """
    standing = await _whose(work, wish)
    decide_client_may_act(standing.status)
    await require_free(work, standing.id)
    if wish.amount.amount_minor <= 0:
        raise Invalid("INVALID", "Deposit more than nothing.", path=("input", "amount", "amount"))
    offer = await find_offer(work)
    if not is_own_page(
        wish.return_url, hosts=offer.hosts, origins=offer.origins, allow_local=allow_local
    ):
        raise ReturnRefused()
    currency = wish.amount.currency
    methods = await list_methods(work, PaymentDirection.DEPOSIT, currency, method_id=wish.method_id)
    if not methods:
        raise NotFound(path=("input", "methodId"))
    (method,) = methods
    fee_minor = decide_fee(method, wish.amount, country=standing.country)
    if currency not in offer.currencies:
        raise MethodUnavailable(f"This brand keeps no wallets in {currency}.")
    await _check_tier(work, standing, wish)
    wallet = AccountKey.wallet(standing.id, currency)
    wallet_id = (await ledger_accounts(work, [wallet]))[wallet]
    shown = {
        "currency": currency,
        "amount_minor": wish.amount.amount_minor,
        "fee_minor": fee_minor,
        "method_id": method.id,
    }
    made = await create_payment(
        work,
        {
            "kind": PaymentKind.DEPOSIT,
            "status": PaymentStatus.CREATED,
            "client_id": standing.id,
            "ib_path": standing.ib_path,
            "wallet_id": wallet_id,
            "connection_id": method.connection_id,
            "return_url": wish.return_url,
            **shown,
        },
    )
    after = {name: str(value) for name, value in shown.items()}
    work.audit(Change("deposit.create", object_kind="payment", object_id=made["id"], after=after))
    return {"deposit": str(made["id"])}


async def _check_tier(work: WriteWork, standing: ClientStanding, wish: DepositWish) -> None:
    """Whether so much may be paid in before more is proven of the client.

    Refusals: KYC_TIER_LIMIT.
    """
    tier = await find_tier(work, standing)
    if tier is None or tier.deposits is None:
        return
    # Two deposits at a time would each see what the other one leaves.
    await lock_client(work, standing.id)
    decide_deposit(tier, await sum_of_deposits(work, standing.id), wish.amount)


async def _whose(work: WriteWork, wish: DepositWish) -> ClientStanding:
    """The client whose money it becomes. Refusals: NOT_FOUND, INVALID for another currency."""
    client_id, path = wish.client_id, ("input", "clientId")
    if wish.wallet_id is not None:
        wallet = await find_wallet(work, wish.wallet_id)
        path = ("input", "walletId")
        if wallet is None or client_id not in (None, wallet.client_id):
            raise NotFound(path=path)
        if wallet.currency != wish.amount.currency:
            message = f"This wallet is in {wallet.currency}."
            raise Invalid("INVALID", message, path=("input", "amount", "currencyCode"))
        client_id = wallet.client_id
    client_id = client_id or work.scope.client_id
    if client_id is None:
        raise NotFound("Say whose deposit it is to be.", path=path)
    standing = await find_standing(work, client_id)
    if standing is None:
        raise NotFound(path=path)
    return standing
