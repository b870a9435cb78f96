"""Take over accounts that exist on the brand's platform already, many at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, func, literal, update
from sqlalchemy import UUID as SqlUuid

from domain.accounts.events import AccountEventKind, account_event
from domain.accounts.queries import find_grant, list_group_terms
from domain.accounts.tables import trading_account
from domain.accounts.values import AccountAccess, AccountKind, AccountStatus
from domain.clients.standing import ClientStanding, find_standings
from domain.kernel.errors import Refused
from tenants.bulk import insert_rows
from tenants.log import Change
from tenants.numbers import next_numbers
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account as its platform has it; the login is given here, from the brand's range."""

    client_id: UUID
    kind: AccountKind
    currency: str
    leverage: int
    id: UUID | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportedAccount:
    """An account with what its platform knows it by."""

    id: UUID
    client_id: UUID
    ib_path: str
    login: int
    group: str
    record: AccountRecord


async def import_accounts(
    work: WriteWork, records: Sequence[AccountRecord]
) -> list[ImportedAccount]:
    """Add ACTIVE accounts, in the order given. The platform is not asked: it has them.

    Refusals: KIND_UNAVAILABLE, LOGINS_EXHAUSTED. Effects: event `opened` and audit each.
    """
    if not records:
        return []
    grant = await find_grant(work)
    if grant is None:
        raise Refused("KIND_UNAVAILABLE", "This brand has no trading platform yet.")
    terms = await list_group_terms(work, grant.server_id, grant.groups)
    groups = {(one.kind, one.currency): one.name for one in terms if not one.swap_free}
    wanted = {(one.kind, one.currency) for one in records}
    if not wanted <= groups.keys():
        raise Refused("KIND_UNAVAILABLE", "The platform has no group for one of the accounts.")
    counter = f"login:{grant.server_id.hex}"
    logins = await next_numbers(work, counter, len(records), start=grant.login_from)
    if logins[-1] > grant.login_to:
        raise Refused("LOGINS_EXHAUSTED", "This brand has no free logins; ask the operator.")
    clients = await find_standings(work, (one.client_id for one in records))
    made = [
        ImportedAccount(
            one.id or work.new_id(), one.client_id, clients[one.client_id].ib_path, login,
            groups[one.kind, one.currency], one,
        )
        for one, login in zip(records, logins, strict=True)
    ]  # fmt: skip
    rows = [_row(work, one, grant.server_id, clients[one.client_id]) for one in made]
    await insert_rows(work, trading_account, rows)
    for one in made:
        work.emit(account_event(AccountEventKind.OPENED, one))
        after = {"kind": one.record.kind, "login": one.login, "group_name": one.group}
        work.audit(Change("account.import", object_kind="account", object_id=one.id, after=after))
    return made


async def import_access(
    work: WriteWork, account_ids: Iterable[UUID], access: AccountAccess
) -> None:
    """Say what may be done on accounts by now. The platform is not asked: it has it so.

    Effects: event `access_changed` and audit each.
    """
    wanted = literal(sorted(set(account_ids)), ARRAY(SqlUuid))
    rows = await work.rows(
        update(trading_account)
        .where(
            trading_account.c.brand_id == work.scope.brand_id,
            trading_account.c.id == func.any(wanted),
            trading_account.c.access != access,
        )
        .values(access=access, version=trading_account.c.version + 1)
        .returning(trading_account)
    )
    for row in rows:
        work.emit(account_event(AccountEventKind.ACCESS_CHANGED, row, {"access": access}))
        after = {"access": access}
        work.audit(Change("account.import", object_kind="account", object_id=row.id, after=after))


def _row(
    work: WriteWork, one: ImportedAccount, server_id: UUID, owner: ClientStanding
) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "id": one.id,
        "client_id": one.client_id,
        "ib_path": one.ib_path,
        "legal_entity_id": owner.legal_entity_id,
        "server_id": server_id,
        "login": one.login,
        "version": 1,
        "kind": one.record.kind,
        "status": AccountStatus.ACTIVE,
        "access": AccountAccess.FULL,
        "currency": one.record.currency,
        "leverage": one.record.leverage,
        "group_name": one.group,
        "swap_free": False,
        "created_at": one.record.at or work.now(),
    }
