"""Everybody who can ask: each kind of actor of a brand, with what it may see of the brand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from tenants.values import Role
from tests.factories import STAFF_ROLES, Factory, Token, rights_of
from tests.world import World

# An ib's own API token and a service of the brand, each with fewer scopes than its role has.
IB_SCOPES = ("session:read", "clients:list", "clients:read", "accounts:list", "accounts:read",
             "events:read", "ibs:list", "ibs:read")  # fmt: skip
SERVICE_SCOPES = ("session:read", "clients:list", "clients:read", "clients:all", "clients:pii",
                  "accounts:list", "accounts:read", "events:read")  # fmt: skip


@dataclass(frozen=True)
class Asker:
    """An actor as a caller: what it sends to be known, what it may do and whose rows it has.

    `subjects` names the subjects of the world whose rows it may see; None means all of them.
    """

    name: str
    headers: Mapping[str, str]
    rights: frozenset[str]
    subjects: frozenset[str] | None = None
    token: Token | None = None
    operator: bool = field(default=False)

    @property
    def is_anonymous(self) -> bool:
        return self.token is None


def askers(make: Factory, world: World, *names: str) -> dict[str, Asker]:
    """All actors of a brand by name, or those named, each with a new token."""
    brand, ibs = world.brand, world.ibs
    of_session = {
        "client": (Role.CLIENT, frozenset({"north"})),
        "client_2": (Role.CLIENT, frozenset({"alone"})),
        "ib": (Role.IB, subtree("north")),
        "ib_2": (Role.IB, subtree("south")),
    }
    makers: dict[str, Callable[[], Asker]] = {
        "anonymous": lambda: Asker("anonymous", {}, frozenset(), frozenset()),
        "key": lambda: Asker(
            "key", {"Backdesk-Key": brand.publishable_key}, frozenset(), frozenset()
        ),
        "operator": lambda: _operator(make, world),
        "client": lambda: known("client", make.client_token(brand, world.client("north"))),
        "client_2": lambda: known("client_2", make.client_token(brand, world.client("alone"))),
        "ib": lambda: known("ib", make.ib_token(brand, ibs["north"])),
        "ib_2": lambda: known("ib_2", make.ib_token(brand, ibs["south"])),
        "ib_api": lambda: _api(make, world, "ib_api"),
        "service": lambda: _api(make, world, "service"),
        **{role.value: partial(_staff, make, world, role) for role in STAFF_ROLES},
    }

    def known(name: str, token: Token) -> Asker:
        role, rows = of_session[name]
        return Asker(name, _bearer(token), rights_of(role), rows, token)

    return {name: makers[name]() for name in names or makers}


def one(make: Factory, world: World, name: str) -> Asker:
    """One actor of a brand."""
    return askers(make, world, name)[name]


def _staff(make: Factory, world: World, role: Role) -> Asker:
    """Without the right to all clients, one's own: nobody owns a client of these worlds."""
    rights = rights_of(role)
    rows = None if "clients:all" in rights else frozenset({"brand"})
    token = make.staff_token(world.brand, role)
    return Asker(role.value, _bearer(token), rights, rows, token)


def _api(make: Factory, world: World, name: str) -> Asker:
    ib = world.ibs["north"] if name == "ib_api" else None
    scopes, role = (IB_SCOPES, Role.IB) if ib else (SERVICE_SCOPES, Role.SERVICE)
    token = make.api_token(world.brand, ib, scopes=scopes)
    rights = rights_of(role) & frozenset(scopes)
    return Asker(name, _bearer(token), rights, subtree("north") if ib else None, token)


def subtree(root: str) -> frozenset[str]:
    """The subjects under an ib."""
    return frozenset({"north", "north_child"} if root == "north" else {root})


def _operator(make: Factory, world: World) -> Asker:
    token = make.operator_token()
    headers = _bearer(token) | {"Backdesk-Brand": world.brand.slug}
    return Asker("operator", headers, rights_of(Role.OPERATOR), None, token, operator=True)


def _bearer(token: Token) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.text}"}
