"""Add an account that withdrawals may be paid out to."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from domain.accounts.rules import decide_client_may_act
from domain.clients.standing import ClientStanding, find_standing
from domain.kernel.errors import NotFound
from domain.payments.approvals.queries import find_makers
from domain.payments.queries import find_policy
from domain.payments.tables import payout_destination
from domain.payments.values import DestinationStatus, MethodKind
from domain.payments.withdrawals.accounts import masked, read_account
from domain.payments.withdrawals.errors import (
    DestinationExists,
    HolderDiffers,
    MethodUnavailable,
)
from domain.payments.withdrawals.queries import find_method
from domain.payments.withdrawals.rules import same_holder
from tenants.log import Change
from tenants.secrets import Place, Vault
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class DestinationWish:
    """An account as somebody typed it."""

    client_id: UUID
    method_id: UUID
    holder_name: str
    account: str = field(repr=False)


def place_of(brand_id: UUID, destination_id: UUID) -> Place:
    """Where a destination's account number is sealed."""
    return Place(brand_id, "payout_destination", "account_cipher", destination_id)


async def create_destination(
    work: WriteWork, vault: Vault, wish: DestinationWish
) -> dict[str, str]:
    """Keep an account sealed, in the client's own name; the id as `destination`.

    It can be used after the brand's cooling-off, so that whoever got hold of a session can't empty
    a wallet at once. A removed one that is added again cools off again. Who wrote it decides on no
    withdrawal to it.
    Refusals: NOT_FOUND, CLIENT_RESTRICTED, EMAIL_NOT_VERIFIED, METHOD_UNAVAILABLE,
    ACCOUNT_INVALID, HOLDER_DIFFERS, DESTINATION_EXISTS.
    """
    standing = await find_standing(work, wish.client_id)
    if standing is None:
        raise NotFound(path=("input", "clientId"))
    decide_client_may_act(standing.status)
    method = await find_method(work, wish.method_id)
    if method is None:
        raise NotFound(path=("input", "methodId"))
    if not method.is_active:
        raise MethodUnavailable("input", "methodId")
    kind = MethodKind(method.kind)
    account = read_account(kind, wish.account)
    if not same_holder(wish.holder_name, standing.name):
        raise HolderDiffers()
    destination_id = work.new_id()
    place = place_of(work.scope.brand_id, destination_id)
    kept = {
        "id": destination_id,
        "method_id": method.id,
        "label": masked(kind, account),
        "account_cipher": vault.seal(place, account.encode()),
        "account_digest": vault.digest(place.brand_id, f"{kind}:{account}".encode()),
    }
    await _insert(work, standing, kept)
    return {"destination": str(destination_id)}


async def _insert(work: WriteWork, standing: ClientStanding, kept: dict[str, Any]) -> None:
    """A client's destination, cold at first. Refusals: DESTINATION_EXISTS. Effects: audit."""
    policy = await find_policy(work)
    made = await work.rows(
        insert(payout_destination)
        .values(
            brand_id=work.scope.brand_id,
            client_id=standing.id,
            ib_path=standing.ib_path,
            holder_name=standing.name,
            status=DestinationStatus.ACTIVE,
            maker_ids=sorted(await find_makers(work)),
            usable_from=work.now() + timedelta(hours=policy.cooling_off_hours),
            created_at=work.now(),
            **kept,
        )
        .on_conflict_do_nothing(
            index_elements=["brand_id", "client_id", "account_digest"],
            index_where=text("status = 'ACTIVE'"),
        )
        .returning(payout_destination.c.id)
    )
    if not made:
        raise DestinationExists()
    work.audit(
        Change(
            "destination.create",
            object_kind="payout_destination",
            object_id=kept["id"],
            after={"client_id": str(standing.id), "method_id": str(kept["method_id"])},
        )
    )
