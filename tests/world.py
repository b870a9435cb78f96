"""A brand full of canaries: every text of it is unique, so that one found elsewhere is a leak.

Five subjects stand for whom a row may belong to: a client of the northern ib, one of its sub-ib,
one of the southern ib, one without an ib, and the brand itself (no client). Each has a row in
every table of a brand, whatever tables there are: what the factory does not make is filled in from
the table's own declaration, so that a new table is covered without an edit here.
"""

import itertools
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Table, update
from sqlalchemy import types as sql

from domain.clients import tables as clients
from domain.compliance.screening.tables import screening_round
from domain.kernel.ids import new_uuid
from tenants import tables
from tenants.context import ActorKind
from tenants.trusted_documents import sha256_of
from tests.cashier import book, open_cashier, pay
from tests.declared import brand_tables
from tests.factories import Account, Brand, Client, Factory, Ib
from tests.prop import open_shop, sell
from tests.sanctions import listed

# What the API reads out of JSON, beside the canary.
_DOCUMENTS: Mapping[str, Mapping[str, Any]] = {
    "terms": {
        "currency": "USD", "convention": "OVERRIDE", "hold_days": 0, "groups": [],
        "components": [],
        "gates": {
            "min_seconds": 0, "min_pips": "0", "close_by": "ONCE", "pays_hedged": True,
            "pays_own_accounts": False,
        },
    },
    "grounds": {
        "deal": {
            "symbol": "EURUSD", "entry": "OUT", "closed_lots": "1", "price": "1.1",
            "at": "2026-01-05T00:00:00+00:00",
        },
        "opening": None, "found_by": "group ALL", "per_lot": "1", "share": None,
        "entitled_minor": "1", "below_minor": "0", "hold_days": 0, "fx": None,
        "governing": {
            "version_id": "00000000-0000-0000-0000-000000000001", "convention": "OVERRIDE",
            "gates": {"min_seconds": 0, "min_pips": "0"}, "max_lots": None, "max_minor": None,
        },
    },
}  # fmt: skip
CLIENTS = ("north", "north_child", "south", "alone")
_ALLOWED = re.compile(r"in \('([^']+)'")
_numbers = itertools.count(1)
# What a check between columns asks of a table.
_RULED: Mapping[str, Mapping[str, Any]] = {
    # Nobody has looked a second time; the bytes have not come.
    "kyc_proposal": {"reviewed_by": None},
    "kyc_document": {"stored_at": None},
    # Closed lists in arrays; a share.
    "kyc_decision": {"flags": []},
    "payment_method_terms": {"fee_bps": 25},
    # The reversal of a transfer; nobody has decided.
    "ledger_correction": {
        "discrepancy_id": None, "move": None, "amount_minor": None, "decided_by": None,
    },
    # Brought nobody: a trigger counts those who come.
    "ib": {"client_count": 0},
    # Reverses nothing.
    "ib_accrual": {"reverses_id": None},
}  # fmt: skip


@dataclass
class Subject:
    """Whose rows they are. `canary` is part of every text of them and of nothing else."""

    name: str
    canary: str
    client: Client | None = None
    ib: Ib | None = None
    account: Account | None = None
    ids: set[UUID] = field(default_factory=set)


@dataclass
class World:
    """One brand, its ibs and subjects."""

    brand: Brand
    canary: str
    ibs: Mapping[str, Ib]
    subjects: Mapping[str, Subject]

    def canaries_beyond(self, *names: str) -> set[str]:
        """The canaries of every subject but these."""
        return {one.canary for one in self.subjects.values() if one.name not in names}

    def client(self, name: str) -> Client:
        found = self.subjects[name].client
        assert found is not None
        return found

    def account(self, name: str) -> Account:
        found = self.subjects[name].account
        assert found is not None
        return found


def build(make: Factory) -> World:
    """A new brand in which every table has a row of every subject it can have one of."""
    canary = _canary()
    brand = make.brand(mark=canary, slug=f"b{canary}")
    tree = _tree(make, brand)
    subjects: dict[str, Subject] = {"brand": Subject("brand", canary)}
    for name in CLIENTS:
        subjects[name] = _subject(make, brand, name, tree.get(name))
    _money(make, brand, subjects)
    _challenges(make, brand, subjects)
    now = datetime.now(UTC)
    make.insert(screening_round, brand, lists=1, clients=0, started_at=now, moved_at=now)
    for table in brand_tables():
        for subject in subjects.values():
            _fill(make, brand, table, subject)
    return World(brand, canary, tree, subjects)


def _canary() -> str:
    """Letters and digits only, so that no encoding changes it; lower case, as e-mails are."""
    return f"zq{secrets.token_hex(6)}"


def _tree(make: Factory, brand: Brand) -> dict[str, Ib]:
    north = make.ib(brand, mark=_canary())
    child = make.ib(brand, north, mark=_canary())
    return {"north": north, "north_child": child, "south": make.ib(brand, mark=_canary())}


def _subject(make: Factory, brand: Brand, name: str, ib: Ib | None) -> Subject:
    canary = _canary()
    made = make.client(brand, ib, mark=canary)
    account = make.account(brand, made, mark=canary)
    make.state(account)
    make.deal(account, mark=canary)
    make.position(account, mark=canary)
    make.note(made, brand.staff["sales"], body=f"note {canary}")
    make.client_token(brand, made)
    return Subject(name, canary, made, ib, account)


def _money(make: Factory, brand: Brand, subjects: Mapping[str, Subject]) -> None:
    """Payments of each kind, and books that balance, which filling columns can't make."""
    cashier = open_cashier(make, brand, mark=subjects["brand"].canary)
    for subject in subjects.values():
        if subject.client and subject.account:
            pay(make, cashier, subject.client, subject.account, mark=subject.canary)
    book(make, brand, [(one.client, one.canary) for one in subjects.values()])


def _challenges(make: Factory, brand: Brand, subjects: Mapping[str, Subject]) -> None:
    """Rules, states and verdicts are JSON of shapes that filling columns can't make."""
    shop = open_shop(make, brand, mark=subjects["brand"].canary)
    for subject in subjects.values():
        if subject.client and subject.account:
            sell(make, shop, subject.client, subject.account, mark=subject.canary)


def _fill(make: Factory, brand: Brand, table: Table, subject: Subject) -> None:
    """One row of the table for the subject, unless it has one or can't have one."""
    existing = make.rows(table, brand)
    if any(_belongs(table, row, subject) for row in existing):
        return
    belongs_to_clients = _client_column(table) is not None
    if len(table.primary_key.columns) == 1 or (subject.client is None and _needs_client(table)):
        return
    if subject.client is not None and not belongs_to_clients:
        return
    if table is tables.event or table is tables.audit:
        _append(make, brand, table, subject)
        return
    make.insert(table, brand, **_row(make, brand, table, subject))


def _append(make: Factory, brand: Brand, table: Table, subject: Subject) -> None:
    """The next number of a log, as the head row counts it."""
    head = "event_seq" if table is tables.event else "audit_seq"
    seq = getattr(make.rows(tables.brand_head, brand)[0], head) + 1
    row = _row(make, brand, table, subject) | {"seq": seq}
    if table is tables.event:
        row |= {"topic": "CLIENT", "kind": "profile_changed", "actor_kind": ActorKind.SYSTEM}
        row |= {"object_id": row["client_id"], "payload": {"fields": [subject.canary]}}
    else:
        row |= {"actor_kind": ActorKind.SYSTEM}
    make.insert(table, brand, **row)
    make.run(
        brand,
        update(tables.brand_head)
        .where(tables.brand_head.c.brand_id == brand.id)
        .values({head: seq}),
    )


def _belongs(table: Table, row: Any, subject: Subject) -> bool:
    column = _client_column(table)
    if column is None:
        return subject.canary in repr(row) or (
            table.name == "brand_head" or table.name == "brand_state"
        )
    return bool(getattr(row, column) == (subject.client.id if subject.client else None))


def _client_column(table: Table) -> str | None:
    return "id" if table is clients.client else "client_id" if "client_id" in table.c else None


def _needs_client(table: Table) -> bool:
    column = _client_column(table)
    return column is not None and not table.c[column].nullable


def _row(make: Factory, brand: Brand, table: Table, subject: Subject) -> dict[str, Any]:
    row = {
        column.name: _value(table, column, subject)
        for column in table.columns
        if column.name != "brand_id"
    }
    for constraint in table.foreign_key_constraints:
        target = constraint.referred_table
        if target.info["place"] != "brand":
            continue
        found = next(
            (one for one in make.rows(target, brand) if _belongs(target, one, subject)),
            (make.rows(target, brand) or [None])[0],
        )
        if target is tables.staff:  # not by chance somebody who sees what is his own only
            admin = brand.staff["brand_admin"]
            found = next(one for one in make.rows(target, brand) if one.id == admin)
        for element in constraint.elements:
            if element.parent.name != "brand_id" and found is not None:
                row[element.parent.name] = getattr(found, element.column.name)
    row |= _RULED.get(table.name, {})
    if table is tables.trusted_document:
        row["sha256"] = sha256_of(row["text"])
    shared = {"legal_entity_id": brand.legal_entity_id, "server_id": brand.server_id}
    if "entry_id" in row:
        shared["entry_id"] = listed(make, brand)
    row |= {name: value for name, value in shared.items() if name in row}
    row |= {
        name: value
        for name, value in {
            "client_id": subject.client.id if subject.client else None,
            "ib_path": subject.ib.path if subject.ib else "",
        }.items()
        if name in row
    }
    return row


def _value(table: Table, column: Column[Any], subject: Subject) -> Any:
    """Something a column takes: a canary where there is text."""
    allowed = _allowed(table, column.name)
    if allowed is not None:
        return allowed
    number = next(_numbers)
    match column.type:
        case sql.UUID():
            return new_uuid()
        case sql.ARRAY():
            return [new_uuid() if isinstance(column.type.item_type, sql.UUID) else subject.canary]
        case sql.JSON():
            return {"canary": subject.canary, **_DOCUMENTS.get(column.name, {})}
        case sql.Text() | sql.String():
            ending = "/" if column.name == "path" else ""
            return f"{subject.canary}{number}{ending}"
        case sql.DateTime():
            return datetime.now(UTC) + timedelta(days=1 if "expires" in column.name else 0)
        case sql.Date():
            return datetime.now(UTC).date()
        case sql.LargeBinary():
            return subject.canary.encode()
        case sql.Boolean():
            return False
        case sql.Numeric() | sql.TypeDecorator():  # amounts in minor units are decorated
            return Decimal(1)
        case sql.Integer():
            return number
        case _:
            raise AssertionError(f"teach tests/world.py the type of {table.name}.{column.name}")


def _allowed(table: Table, column: str) -> str | None:
    """The first value that a closed list of the column names."""
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            text = str(constraint.sqltext)
            if text.startswith(f"{column} in ") and (found := _ALLOWED.search(text)):
                return found[1]
    return None
