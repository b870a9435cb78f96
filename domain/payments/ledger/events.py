"""Events of topic LEDGER: one per transfer, for staff who may see the books."""

from uuid import UUID

from domain.payments.ledger.values import Transfer, TransferState
from tenants.log import Event

TOPIC = "LEDGER"
_KINDS = {
    TransferState.POSTED: "transfer_posted",
    TransferState.PENDING: "transfer_held",
    TransferState.VOID: "hold_released",
    TransferState.EXPIRED: "hold_expired",
}
KINDS = frozenset(_KINDS.values())


def transfer_event(one: Transfer, transfer_id: UUID, *, client_id: UUID | None = None) -> Event:
    """What was posted, with each leg in minor units as text.

    `client_id` is the client whose session posts, which row security wants named; a client has no
    right to the topic, its own events are those of the payment.
    """
    legs = [
        {
            "ledger_account_id": str(leg.account_id),
            "amount_minor": str(leg.amount.amount_minor),
            "currency": leg.amount.currency,
        }
        for leg in one.legs
    ]
    payload = {"ledger_transfer_id": str(transfer_id), "kind": one.kind, "legs": legs}
    if one.resolves is not None:
        payload["resolves_id"] = str(one.resolves)
    return Event(
        TOPIC, _KINDS[one.state], object_id=transfer_id, client_id=client_id, payload=payload
    )
