"""Take a payout destination out of use."""

from uuid import UUID

from sqlalchemy import update

from domain.clients.standing import find_standing
from domain.kernel.errors import NotFound
from domain.payments.tables import payout_destination
from domain.payments.values import DestinationStatus
from domain.payments.withdrawals.errors import DestinationInUse
from domain.payments.withdrawals.queries import find_destination, is_destination_in_use
from tenants.log import Change
from tenants.work import WriteWork


async def remove_destination(work: WriteWork, destination_id: UUID) -> dict[str, str]:
    """No withdrawal can name it any more; removing it again changes nothing.

    Refusals: NOT_FOUND; DESTINATION_IN_USE while a withdrawal to it is open.
    """
    row = await find_destination(work, destination_id)
    if row is None or await find_standing(work, row.client_id) is None:
        raise NotFound(path=("input", "destinationId"))
    answer = {"destination": str(destination_id)}
    if row.status == DestinationStatus.REMOVED:
        return answer
    if await is_destination_in_use(work, destination_id):
        raise DestinationInUse()
    await work.rows(
        update(payout_destination)
        .where(
            payout_destination.c.brand_id == work.scope.brand_id,
            payout_destination.c.id == destination_id,
        )
        .values(status=DestinationStatus.REMOVED)
    )
    work.audit(
        Change("destination.remove", object_kind="payout_destination", object_id=destination_id)
    )
    return answer
