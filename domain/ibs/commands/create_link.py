"""Make a referral link: a code of its own, so that what came by it can be told apart."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.ibs.errors import CampaignTaken, InviterSuspended
from domain.ibs.events import IbEventKind, ib_event
from domain.ibs.queries import find_parent
from domain.ibs.rules import made_code, normalise_campaign
from domain.ibs.tables import ib_link
from domain.ibs.values import IbStatus
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork


async def create_link(work: WriteWork, ib_id: UUID, campaign: str, code: str | None = None) -> UUID:
    """Make a link of an ib for one campaign; its id. Without a code one is made up.

    Registering with the code names the ib, as its own code does, and remembers the link.
    Refusals: INVALID, NOT_FOUND, IB_SUSPENDED, CODE_TAKEN, CAMPAIGN_TAKEN.
    Effects: event `link_created`, audit.
    """
    name = normalise_campaign(campaign)
    link_id = work.new_id()
    code = made_code(link_id)
    whose = await find_parent(work, ib_id)
    if whose is None:
        raise NotFound(path=("input", "ibId"))
    if whose.status != IbStatus.ACTIVE:
        raise InviterSuspended()
    added = (
        insert(ib_link)
        .values(
            brand_id=work.scope.brand_id,
            id=link_id,
            ib_id=ib_id,
            ib_path=whose.path,
            code=code,
            campaign=name,
            created_at=work.now(),
        )
        .on_conflict_do_nothing(index_elements=["brand_id", "ib_id", "campaign"])
        .returning(ib_link.c.id)
    )
    if not await work.rows(added):
        raise CampaignTaken()
    told = {"ib_id": str(ib_id), "code": code, "campaign": name}
    work.emit(ib_event(IbEventKind.LINK_CREATED, link_id, whose.path, told))
    after = {"ib_id": str(ib_id), "code": code, "campaign": name}
    work.audit(Change("ib.link", object_kind="ib_link", object_id=link_id, after=after))
    return link_id
