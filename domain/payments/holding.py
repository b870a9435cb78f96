"""Whether a client's money waits for compliance; nobody who asks learns more than that."""

from uuid import UUID

from domain.compliance.screening.queries import is_held
from domain.kernel.errors import Refused
from tenants.work import ReadWork, WriteWork

CLIENT_RESTRICTED = "CLIENT_RESTRICTED"


async def require_free(work: ReadWork | WriteWork, client_id: UUID) -> None:
    """Refusals: CLIENT_RESTRICTED, as for a client whose status says so."""
    if await is_held(work, client_id):
        raise Refused(CLIENT_RESTRICTED, "This client may not do that at present.")
