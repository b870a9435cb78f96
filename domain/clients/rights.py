"""What an actor may see and write of a client, beyond the permission to reach it at all."""

from domain.clients.rules import CLIENT_MAY_CHANGE, STAFF_MAY_CHANGE
from tenants.context import ActorKind, Scope

SEES_ALL = "clients:all"
SEES_NAMES = "clients:names"
SEES_CONTACTS = "clients:pii"
SEES_NOTES = "notes:read"


def reaches_all(scope: Scope) -> bool:
    """Whether every client of the brand is in reach, or all that row-level security leaves.

    Sessions of clients and ibs are narrowed there; others without `clients:all` own theirs.
    """
    narrowed = scope.client_id is not None or scope.ib_path is not None
    return narrowed or scope.actor.kind is ActorKind.SYSTEM or SEES_ALL in scope.permissions


def fields_for(scope: Scope) -> frozenset[str]:
    """Which fields of a client's profile an actor may write: a client few, staff more."""
    return CLIENT_MAY_CHANGE if scope.client_id is not None else STAFF_MAY_CHANGE


def masked_for(scope: Scope) -> frozenset[str]:
    """Which fields of a client an actor reads masked."""
    masked = set()
    if SEES_CONTACTS not in scope.permissions:
        masked |= {"email", "phone"}
    if SEES_NAMES not in scope.permissions:
        masked.add("name")
    if SEES_NOTES not in scope.permissions:
        masked.add("tags")
    return frozenset(masked)
