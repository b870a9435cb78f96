"""A verified identity starts the next step: the account that a client waits for is opened."""

from uuid import UUID

from domain.accounts.commands.open_account import open_account
from domain.accounts.commands.wish_account import as_wish, end_wish, find_wish
from domain.accounts.values import WishStatus
from domain.clients.standing import lock_client
from domain.compliance.events import TOPIC, ComplianceEventKind
from domain.events.consumers import Consumer
from domain.events.values import EventRow
from domain.kernel.errors import Invalid, Refused
from tenants.work import WriteWork

STILL = "KYC_REQUIRED"


async def open_wished(work: WriteWork, event: EventRow) -> None:
    """Open what the client waits for, if it may have it now; what is refused for another reason
    waits no more."""
    client_id = event.client_id
    assert client_id is not None, "a tier is a client's"
    await lock_client(work, client_id)
    wish = await find_wish(work, client_id)
    if wish is None:
        return
    try:
        done = await open_account(work, client_id, as_wish(wish))
    except (Refused, Invalid) as refused:
        if refused.code != STILL:
            await end_wish(work, client_id, WishStatus.REFUSED, reason_code=refused.code)
        return
    await end_wish(work, client_id, WishStatus.OPENED, account_id=UUID(done["account"]))


WISHES = Consumer(
    "accounts.wishes",
    frozenset({TOPIC}),
    open_wished,
    kinds=frozenset({ComplianceEventKind.TIER_CHANGED.value}),
)
