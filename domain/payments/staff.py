"""What only a person can do: another one must be able to tell who it was."""

from uuid import UUID

from domain.kernel.errors import Forbidden
from tenants.context import ActorKind
from tenants.work import WriteWork


def require_staff(work: WriteWork) -> UUID:
    """The member of staff who acts. Refusals: FORBIDDEN for tokens, operators and the system."""
    actor = work.scope.actor
    if actor.kind is not ActorKind.STAFF or actor.id is None:
        raise Forbidden("FORBIDDEN", "Only a member of staff can do this, under their own name.")
    return actor.id
