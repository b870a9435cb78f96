"""Put an introducing broker into the tree."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.clients.rules import normalise_email, normalise_name
from domain.ibs.errors import CodeTaken
from domain.ibs.events import IbEventKind, ib_event
from domain.ibs.queries import find_parent, is_currency, is_link_code
from domain.ibs.rules import Place, normalise_code, place_below
from domain.ibs.tables import ib
from domain.ibs.values import IbStatus
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.refusals import InvalidField
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class NewIb:
    """What staff typed. `parent_id` is None at the top; `currency` is what it is paid in."""

    code: str
    name: str
    email: str
    parent_id: UUID | None = None
    currency: str = "USD"


async def create_ib(work: WriteWork, wanted: NewIb) -> UUID:
    """Make an active ib below its parent, or at the top; its id. The code is unique per brand.

    Refusals: INVALID, NOT_FOUND (parent), PARENT_SUSPENDED, TREE_TOO_DEEP, CODE_TAKEN.
    Effects: event `created` of topic IB, audit.
    """
    code, name = normalise_code(wanted.code), normalise_name(wanted.name)
    email = normalise_email(wanted.email)
    ib_id = work.new_id()
    place = await _place(work, wanted, ib_id)
    if not await is_currency(work, wanted.currency):
        raise InvalidField("currencyCode", "There is no such currency here.")
    taken = (
        insert(ib)
        .values(
            brand_id=work.scope.brand_id,
            id=ib_id,
            code=code,
            name=name,
            email=email,
            status=IbStatus.ACTIVE,
            level=place.level,
            parent_id=wanted.parent_id,
            path=place.path,
            currency=wanted.currency,
            created_at=work.now(),
        )
        .on_conflict_do_nothing(index_elements=["brand_id", "code"])
        .returning(ib.c.id)
    )
    if await is_link_code(work, code) or not await work.rows(taken):
        raise CodeTaken()
    work.emit(ib_event(IbEventKind.CREATED, ib_id, place.path))
    parent = str(wanted.parent_id) if wanted.parent_id else None
    after = {"code": code, "level": place.level, "parent_id": parent}
    work.audit(Change("ib.create", object_kind="ib", object_id=ib_id, after=after))
    return ib_id


async def _place(work: WriteWork, wanted: NewIb, ib_id: UUID) -> Place:
    if wanted.parent_id is None:
        return place_below(None, None, ib_id)
    row = await find_parent(work, wanted.parent_id)
    if row is None:
        raise NotFound(path=("input", "parentId"))
    return place_below(Place(row.level, row.path), IbStatus(row.status), ib_id)
