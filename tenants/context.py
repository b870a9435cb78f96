"""The frozen facts of one request: who acts, for which brand, with which rights and which rows."""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from tenants.refusals import BrandNotNamed


class ActorKind(StrEnum):
    """Who can ask. `TOKEN` is an API token of an ib or a service; `SYSTEM` is our own job."""

    OPERATOR = "OPERATOR"
    STAFF = "STAFF"
    CLIENT = "CLIENT"
    IB = "IB"
    TOKEN = "TOKEN"  # noqa: S105 - a kind of actor
    SYSTEM = "SYSTEM"
    ANONYMOUS = "ANONYMOUS"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever is asking. `id` is None for the anonymous and for the system."""

    kind: ActorKind
    id: UUID | None = None
    name: str = ""


NO_BRAND = UUID(int=0)
"""The brand of works that touch shared tables only: row-level security shows them no brand."""

ANONYMOUS = Actor(ActorKind.ANONYMOUS)
SYSTEM = Actor(ActorKind.SYSTEM, name="system")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a work may see and do. Made once per request by `tenants.identify`, never changed.

    `client_id` and `ib_path` narrow row-level security to a client's own rows or an ib's subtree;
    both None means the whole brand. `policy_version` is the one the permissions were compiled at.
    """

    brand_id: UUID
    actor: Actor
    permissions: frozenset[str] = frozenset()
    client_id: UUID | None = None
    ib_path: str | None = None
    on_behalf_of: Actor | None = None
    token_id: UUID | None = None
    request_id: str = ""
    ip: str | None = None
    policy_version: int = 0

    def as_system(self) -> "Scope":
        """The same request continued by the system: the whole brand, no rights of its own."""
        return replace(self, actor=SYSTEM, client_id=None, ib_path=None, token_id=None)

    def as_nobody(self) -> "Scope":
        """The same request as of somebody unknown to the brand, whatever session it came with.

        For signing in, registering and forgotten passwords. Refusals: FORBIDDEN without a brand.
        """
        if self.brand_id == NO_BRAND:
            raise BrandNotNamed()
        return Scope(self.brand_id, ANONYMOUS, request_id=self.request_id, ip=self.ip)


def system_scope(brand_id: UUID, request_id: str = "") -> Scope:
    """The scope of a job or consumer of one brand."""
    return Scope(brand_id=brand_id, actor=SYSTEM, request_id=request_id)
