"""Whose leads somebody reaches."""

from tenants.context import ActorKind, Scope

SEES_ALL_LEADS = "leads:all"
WRITES_LEADS = "leads:write"


def reaches_all(scope: Scope) -> bool:
    """Whether every lead of the brand is in reach; others have those they own."""
    return scope.actor.kind is ActorKind.SYSTEM or SEES_ALL_LEADS in scope.permissions
