"""What an actor can do with a lead now, and why not: pure, and the same as commands decide."""

from domain.clients.actions import Possible
from domain.clients.leads.rules import is_client, next_stages
from domain.clients.leads.values import LeadStage

_ASSIGN = "leads:assign"
_WRITE = "leads:write"


def actions_of(stage: LeadStage, permissions: frozenset[str]) -> tuple[Possible, ...]:
    """Every action on a lead at that stage, for somebody with these permissions."""
    move = None if next_stages(stage) else "STAGE_NOT_REACHABLE"
    assign = "LEAD_CONVERTED" if is_client(stage) else None
    return (
        Possible("move", move if _WRITE in permissions else "FORBIDDEN"),
        Possible("assign", assign if _ASSIGN in permissions else "FORBIDDEN"),
    )
