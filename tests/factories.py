"""Rows for tests, inserted as the owner: brands, staff, ibs, clients, accounts, deals, tokens.

Names, e-mails and numbers are unique to each object, so that a test can look for one brand's text
in another brand's answer.
"""

import itertools
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

from sqlalchemy import Connection, Engine, Table, create_engine, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from api.embedded import Endpoints
from domain.accounts import tables as accounts
from domain.accounts.values import AccountAccess, AccountKind, AccountStatus, PlatformKind
from domain.clients import tables as clients
from domain.clients.search import entries
from domain.clients.values import ClientKind, ClientStatus
from domain.ibs import tables as ibs
from domain.ibs.values import IbStatus
from domain.kernel.ids import new_uuid
from tenants import tables, tokens
from tenants.access import compile_role
from tenants.context import ANONYMOUS, SYSTEM, Actor, ActorKind, Scope
from tenants.values import BrandStatus, Role, SessionStatus, StaffStatus, TokenKind

STAFF_ROLES = (
    Role.BRAND_ADMIN,
    Role.SALES,
    Role.COMPLIANCE,
    Role.FINANCE,
    Role.DEALING,
    Role.SUPPORT,
    Role.MARKETING,
    Role.AUDITOR,
)
LOGINS_PER_BRAND = 1_000
_numbers = itertools.count(secrets.randbelow(1_000_000) * 1_000)


@dataclass(frozen=True)
class Ib:
    """An introducing broker; `path` is its place in the tree and ends in a slash."""

    brand_id: UUID
    id: UUID
    path: str
    code: str
    name: str
    level: int


@dataclass(frozen=True)
class Client:
    brand_id: UUID
    id: UUID
    reference: str
    name: str
    email: str
    phone: str
    legal_entity_id: UUID
    ib_path: str = ""


@dataclass(frozen=True)
class Account:
    brand_id: UUID
    id: UUID
    client_id: UUID
    ib_path: str
    server_id: UUID
    login: int


@dataclass(frozen=True)
class Token:
    """A token as its holder has it: the whole text, and the id of its row."""

    brand_id: UUID | None
    id: UUID
    text: str


@dataclass(frozen=True)
class Brand:
    """A brand made for one test. `staff` holds one member for each staff role."""

    id: UUID
    slug: str
    host: str
    legal_entity_id: UUID
    key_id: UUID
    server_id: UUID
    login_from: int
    staff: Mapping[Role, UUID] = field(default_factory=dict)

    @property
    def publishable_key(self) -> str:
        return f"bk_pub_{self.id.hex}_{self.key_id.hex}"


def scope_of(
    brand: Brand,
    role: Role | str | None = None,
    *,
    client: Client | None = None,
    ib: Ib | None = None,
    permissions: frozenset[str] | None = None,
    token_id: UUID | None = None,
) -> Scope:
    """The scope of a brand's staff role, of a client, of an ib, or of nobody.

    `scope_of(brand, "sales")`, `scope_of(brand, client=one)`, `scope_of(brand, ib=one)`,
    `scope_of(brand, "system")`, `scope_of(brand)`. It has the rights of the role's template
    unless others are given.
    """
    actor, client_id, ib_path = ANONYMOUS, None, None
    if client is not None:
        actor, client_id = Actor(ActorKind.CLIENT, client.id, client.name), client.id
    elif ib is not None:
        actor, ib_path = Actor(ActorKind.IB, ib.id, ib.name), ib.path
    elif role == "system":
        actor = SYSTEM
    elif role is not None:
        actor = Actor(ActorKind.STAFF, brand.staff[Role(role)], f"{role} of {brand.slug}")
    template = "client" if client else "ib" if ib else role
    return Scope(
        brand_id=brand.id,
        actor=actor,
        permissions=rights_of(template) if permissions is None else permissions,
        client_id=client_id,
        ib_path=ib_path,
        token_id=token_id,
        request_id=f"test-{next(_numbers)}",
    )


@cache
def rights_of(role: str | None) -> frozenset[str]:
    """The rights of a role template; nobody and the system have none."""
    if role is None or role == "system":
        return frozenset()
    return compile_role((), role, tokens.NO_BRAND)


class Factory:
    """Inserts as the owner, each call in its own transaction, committed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    @contextmanager
    def connected(cls, endpoints: Endpoints) -> Iterator["Factory"]:
        """A factory on its own small engine."""
        engine = create_engine(endpoints.url("owner", driver="psycopg"), pool_size=1)
        try:
            yield cls(engine)
        finally:
            engine.dispose()

    # Brands -----------------------------------------------------------------------------------

    def brand(self, *, slug: str = "", sandbox: bool = True, mark: str = "") -> Brand:
        """A brand that can serve: head rows, a claimed host, a legal entity that takes CY, a
        publishable key, a grant on the simulator platform and one member of staff per role."""
        number = next(_numbers)
        now = datetime.now(UTC)
        made = Brand(
            id=new_uuid(),
            slug=slug or f"brand-{number}",
            host=f"brand-{number}.example",
            legal_entity_id=new_uuid(),
            key_id=new_uuid(),
            server_id=self.platform_server(),
            login_from=number * LOGINS_PER_BRAND,
            staff={role: new_uuid() for role in STAFF_ROLES},
        )
        with self._work(made.id) as connection:
            self._shared_rows(connection, made, now, sandbox=sandbox, mark=mark)
            self._own_rows(connection, made, now, mark=mark)
        return made

    def _shared_rows(
        self, connection: Connection, made: Brand, now: datetime, *, sandbox: bool, mark: str
    ) -> None:
        name = f"Brand {made.slug}{mark}"
        for table, rows in _REFERENCE.items():
            connection.execute(upsert(table).values(rows).on_conflict_do_nothing())
        rows: list[tuple[Table, dict[str, Any]]] = [
            (tables.brand, {
                "id": made.id, "slug": made.slug, "name": name, "status": BrandStatus.ACTIVE,
                "sandbox": sandbox, "time_zone": "Europe/Nicosia", "languages": ["en"],
                "currencies": ["USD", "EUR"], "features": ["SIMULATOR"],
                "branding": {"title": name}, "created_at": now,
            }),
            (tables.brand_host, {"host": made.host, "brand_id": made.id}),
            (tables.legal_entity, {
                "id": made.legal_entity_id, "name": f"Entity of {name}", "regulator": "CySEC",
                "licence_number": f"L-{made.slug}{mark}", "risk_warning": f"Risk. {name}",
                "jurisdiction": "CY", "jurisdiction_version": 1, "documents": [],
            }),
            (tables.brand_country, {
                "brand_id": made.id, "country": "CY", "legal_entity_id": made.legal_entity_id,
                "allowed": True,
            }),
            (accounts.platform_grant, {
                "server_id": made.server_id, "brand_id": made.id, "login_from": made.login_from,
                "login_to": made.login_from + LOGINS_PER_BRAND - 1,
                "groups": ["demo", "live", "evaluation"],
            }),
        ]  # fmt: skip
        for table, row in rows:
            connection.execute(insert(table).values(row))

    def _own_rows(self, connection: Connection, made: Brand, now: datetime, *, mark: str) -> None:
        brand_id = made.id
        rows: list[tuple[Table, Sequence[dict[str, Any]]]] = [
            (tables.brand_state, [{"policy_version": 1, "clock_offset_ms": 0}]),
            (tables.brand_head, [{"event_seq": 0, "audit_seq": 0}]),
            (tables.publishable_key, [{
                "id": made.key_id, "name": f"website{mark}", "origins": [f"https://{made.host}"],
                "created_at": now,
            }]),
            (tables.staff, [
                {"id": key, "name": f"{role} {made.slug}{mark}", "status": StaffStatus.ACTIVE,
                 "email": f"{role}@{made.host}{mark}", "created_at": now}
                for role, key in made.staff.items()
            ]),
            (tables.staff_role, [
                {"staff_id": key, "role": role} for role, key in made.staff.items()
            ]),
        ]  # fmt: skip
        for table, several in rows:
            connection.execute(insert(table), [{"brand_id": brand_id, **each} for each in several])

    def platform_server(self) -> UUID:
        """The simulator platform that all test brands share, made at the first call."""
        with self._engine.begin() as connection:
            table = accounts.platform_server
            connection.execute(
                upsert(table)
                .values(id=new_uuid(), name="simulator", kind=PlatformKind.SIMULATOR,
                        endpoint="unix:simulator.sock", time_zone="Europe/Nicosia")
                .on_conflict_do_nothing()
            )  # fmt: skip
            server_id = UUID(str(connection.scalar(
                select(table.c.id).where(table.c.name == "simulator")
            )))  # fmt: skip
            connection.execute(
                upsert(accounts.platform_group)
                .values([
                    {"server_id": server_id, "name": kind.lower(), "account_kind": kind,
                     "currency": "USD", "leverage_max": 500, "swap_free": False}
                    for kind in (AccountKind.DEMO, AccountKind.LIVE, AccountKind.EVALUATION)
                ])
                .on_conflict_do_nothing()
            )  # fmt: skip
            return server_id

    def symbol(self, name: str) -> None:
        """A currency pair of the shared platform: 100,000 units a lot, 0.01 to 50 lots."""
        row = {
            "server_id": self.platform_server(), "name": name, "description": name,
            "id": uuid5(NAMESPACE_DNS, name),
            "asset_class": "FX", "base_currency": name[:3], "quote_currency": name[3:],
            "digits": 3 if name.endswith("JPY") else 5, "contract_size": 100_000,
            "lots_min": Decimal("0.01"), "lots_max": 50, "lots_step": Decimal("0.01"),
        }  # fmt: skip
        terms = {name: value for name, value in row.items() if name != "id"}
        written = upsert(accounts.platform_symbol).values(row)
        with self._engine.begin() as connection:
            connection.execute(  # another test may have read a platform's own terms for it
                written.on_conflict_do_update(index_elements=["server_id", "name"], set_=terms)
            )

    # People -----------------------------------------------------------------------------------

    def staff(self, brand: Brand, *roles: Role | str, mark: str = "") -> UUID:
        """One more member of staff."""
        key, number = new_uuid(), next(_numbers)
        self.insert(
            tables.staff, brand, id=key, name=f"Staff {number}{mark}", status=StaffStatus.ACTIVE,
            email=f"staff{number}@{brand.host}{mark}", created_at=datetime.now(UTC),
        )  # fmt: skip
        for role in roles:
            self.insert(tables.staff_role, brand, staff_id=key, role=Role(role))
        return key

    def ib(self, brand: Brand, parent: Ib | None = None, *, mark: str = "") -> Ib:
        """An ib under `parent`, or at the top of the brand's tree."""
        key, number = new_uuid(), next(_numbers)
        made = Ib(
            brand.id, key, f"{parent.path if parent else ''}{key.hex}/", f"IB{number}{mark}",
            f"Ib {number}{mark}", parent.level + 1 if parent else 1,
        )  # fmt: skip
        self.insert(
            ibs.ib, brand, id=key, code=made.code, name=made.name, level=made.level,
            email=f"ib{number}@{brand.host}{mark}", status=IbStatus.ACTIVE, path=made.path,
            parent_id=parent.id if parent else None, created_at=datetime.now(UTC),
        )  # fmt: skip
        return made

    def client(
        self, brand: Brand, ib: Ib | None = None, *, mark: str = "", **columns: Any
    ) -> Client:
        """An active, verified client, introduced by `ib` or by nobody."""
        key, number, now = new_uuid(), next(_numbers), datetime.now(UTC)
        path = ib.path if ib else ""
        made = Client(
            brand.id, key, f"C{number}{mark}", f"Client {number}{mark}",
            f"client{number}@people.example{mark}", f"+357{number:010d}{mark}",
            brand.legal_entity_id, path,
        )  # fmt: skip
        row = {
            "id": key, "reference": made.reference, "version": 1, "name": made.name,
            "kind": ClientKind.INDIVIDUAL, "status": ClientStatus.ACTIVE, "email": made.email,
            "legal_entity_id": brand.legal_entity_id, "ib_id": ib.id if ib else None,
            "ib_path": path, "phone": made.phone, "country": "CY", "language": "en",
            "tags": [f"tag{number}{mark}"], "email_verified_at": now, "created_at": now,
        }  # fmt: skip
        row |= columns
        self.insert(clients.client, brand, **row)
        with self._work(brand.id) as connection:
            connection.execute(insert(clients.client_search), [
                {"brand_id": brand.id, "client_id": key, "ib_path": path, "kind": kind,
                 "suffix": suffix}
                for kind, suffix in entries(row["name"], row["email"], row["phone"])
            ])  # fmt: skip
        return made

    def note(self, client: Client, author_id: UUID | None = None, *, body: str = "") -> UUID:
        """A staff note about a client."""
        key = new_uuid()
        self.insert(
            clients.client_note, client, id=key, client_id=client.id, author_id=author_id,
            body=body or f"Note {key}", created_at=datetime.now(UTC),
        )  # fmt: skip
        return key

    # Trading ----------------------------------------------------------------------------------

    def account(self, brand: Brand, client: Client, *, mark: str = "", **columns: Any) -> Account:
        """An active demo account on the simulator, with its login inside the brand's range."""
        login = brand.login_from + next(_numbers) % LOGINS_PER_BRAND
        made = Account(brand.id, new_uuid(), client.id, client.ib_path, brand.server_id, login)
        row = {
            "id": made.id, "client_id": client.id, "ib_path": client.ib_path, "login": login,
            "legal_entity_id": brand.legal_entity_id, "server_id": brand.server_id, "version": 1,
            "kind": AccountKind.DEMO, "status": AccountStatus.ACTIVE, "currency": "USD",
            "access": AccountAccess.FULL, "leverage": 100, "group_name": f"demo{mark}",
            "swap_free": False, "created_at": datetime.now(UTC),
        }  # fmt: skip
        self.insert(accounts.trading_account, brand, **(row | columns))
        return made

    def state(self, account: Account, **columns: Any) -> None:
        """The last known state of an account: balance and equity of 1,000.00."""
        row = {
            "account_id": account.id, "client_id": account.client_id, "source": "STREAM",
            "currency": "USD",
            "ib_path": account.ib_path, "balance_minor": 100_000, "equity_minor": 100_000,
            "credit_minor": 0, "margin_minor": 0, "free_margin_minor": 100_000,
            "floating_minor": 0, "as_of": datetime.now(UTC),
        }  # fmt: skip
        self.insert(accounts.account_state, account, **(row | columns))

    def deal(self, account: Account, *, mark: str = "", **columns: Any) -> UUID:
        """A closing deal of 0.10 lots with a profit of 12.34."""
        key, number = new_uuid(), next(_numbers)
        row = {
            **_of(account), "id": key, "server_id": account.server_id, "ext_id": f"{number}{mark}",
            "currency": "USD",
            "order_ext_id": f"{number}", "position_ext_id": f"{number}", "symbol": "EURUSD",
            "side": "SELL", "entry": "OUT", "lots": Decimal("0.1"), "closed_lots": Decimal("0.1"),
            "price": Decimal("1.1"), "profit_minor": 1_234, "swap_minor": 0,
            "commission_minor": -70, "comment": f"deal{mark}", "at": datetime.now(UTC),
        }  # fmt: skip
        self.insert(accounts.deal, account, **(row | columns))
        return key

    def position(self, account: Account, *, mark: str = "", **columns: Any) -> UUID:
        """An open position of 0.10 lots."""
        key, now = new_uuid(), datetime.now(UTC)
        row = {
            **_of(account), "id": key, "ext_id": f"{next(_numbers)}{mark}", "symbol": "EURUSD",
            "currency": "USD",
            "side": "BUY", "lots": Decimal("0.1"), "open_price": Decimal("1.1"),
            "price": Decimal("1.1"), "swap_minor": 0, "floating_minor": 0, "opened_at": now,
            "as_of": now,
        }  # fmt: skip
        self.insert(accounts.position, account, **(row | columns))
        return key

    # Tokens -----------------------------------------------------------------------------------

    def client_token(self, brand: Brand, client: Client) -> Token:
        """An access token of a client's session."""
        return self._token(brand, ActorKind.CLIENT, client.id, client_id=client.id)

    def staff_token(self, brand: Brand, role: Role | str) -> Token:
        """An access token of the brand's member of staff with this role."""
        return self._token(brand, ActorKind.STAFF, brand.staff[Role(role)])

    def ib_token(self, brand: Brand, ib: Ib) -> Token:
        """An access token of an ib's session."""
        return self._token(brand, ActorKind.IB, ib.id, ib_path=ib.path)

    def api_token(
        self, brand: Brand, ib: Ib | None = None, *, scopes: Sequence[str] = (), **columns: Any
    ) -> Token:
        """An API token: of an ib, limited to its subtree, or of a service of the brand."""
        key = new_uuid()
        actor = (ActorKind.TOKEN, key) if ib is None else (ActorKind.IB, ib.id)
        return self._token(
            brand, *actor, key=key, kind=TokenKind.API, ib_path=ib.path if ib else "",
            scopes=list(scopes), with_session=False, **columns,
        )  # fmt: skip

    def operator_token(self) -> Token:
        """A token of a new operator; it belongs to no brand."""
        operator, now = new_uuid(), datetime.now(UTC)
        minted = tokens.mint(tokens.TextKind.OPERATOR, tokens.NO_BRAND, new_uuid())
        with self._engine.begin() as connection:
            connection.execute(insert(tables.operator).values(
                id=operator, email=f"{operator.hex}@operator.example", name="Operator",
                created_at=now,
            ))  # fmt: skip
            connection.execute(insert(tables.operator_token).values(
                id=minted.id, operator_id=operator, secret_hash=minted.secret_hash, created_at=now,
                expires_at=now + timedelta(days=1),
            ))  # fmt: skip
        return Token(None, minted.id, minted.text)

    def _token(
        self, brand: Brand, actor_kind: ActorKind, actor_id: UUID, *, key: UUID | None = None,
        kind: TokenKind = TokenKind.ACCESS, client_id: UUID | None = None, ib_path: str = "",
        with_session: bool = True, **columns: Any,
    ) -> Token:  # fmt: skip
        now = datetime.now(UTC)
        minted = tokens.mint(tokens.TextKind[kind.name], brand.id, key or new_uuid())
        whose = {
            "actor_kind": actor_kind, "actor_id": actor_id, "client_id": client_id,
            "ib_path": ib_path, "created_at": now, "expires_at": now + timedelta(days=1),
        }  # fmt: skip
        session_id = new_uuid() if with_session else None
        if session_id:
            self.insert(tables.session, brand, id=session_id, status=SessionStatus.ACTIVE, **whose)
        row = {
            "id": minted.id,
            "kind": kind,
            "session_id": session_id,
            "secret_hash": minted.secret_hash,
        }
        self.insert(tables.token, brand, **(row | whose | columns))
        return Token(brand.id, minted.id, minted.text)

    # Rows -------------------------------------------------------------------------------------

    def insert(self, table: Table, owner: Any, **row: Any) -> None:
        """Insert a row of a brand; `owner` is the brand or anything that belongs to it."""
        brand_id = owner.id if isinstance(owner, Brand) else owner.brand_id
        with self._work(brand_id) as connection:
            connection.execute(insert(table).values(brand_id=brand_id, **row))

    def rows(self, table: Table, brand: Brand) -> Sequence[Any]:
        """All rows of a brand in a table, in the order of its primary key."""
        with self._work(brand.id) as connection:
            query = select(table).where(table.c.brand_id == brand.id)
            return connection.execute(query.order_by(*table.primary_key.columns)).all()

    def run(self, brand: Brand, statement: Any) -> None:
        """Run any statement as the owner within a brand."""
        with self._work(brand.id) as connection:
            connection.execute(statement)

    @contextmanager
    def _work(self, brand_id: UUID) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            connection.execute(text(f"set local app.brand_id = '{brand_id}'"))
            yield connection


def _of(account: Account) -> dict[str, Any]:
    return {
        "account_id": account.id,
        "client_id": account.client_id,
        "ib_path": account.ib_path,
    }


_REFERENCE: Mapping[Table, Sequence[dict[str, Any]]] = {
    tables.asset: [
        {"code": "USD", "name": "US dollar", "scale": 2},
        {"code": "EUR", "name": "Euro", "scale": 2},
        {"code": "JPY", "name": "Japanese yen", "scale": 0},
    ],
    tables.country: [
        {"code": "CY", "name": "Cyprus"},
        {"code": "DE", "name": "Germany"},
        {"code": "FR", "name": "France"},
        {"code": "KP", "name": "North Korea"},
    ],
    tables.jurisdiction: [
        {
            "code": "CY",
            "version": 1,
            "name": "Cyprus",
            "policy": {
                "leverage_max": {"major_fx": 30, "simulated": 500},
            },
        },
    ],
}
