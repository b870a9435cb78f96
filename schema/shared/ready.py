"""Calls that are alike: the same operation for the same rights, with the same variables but ids.

What a call takes is worked out from its variables by graphql-core's own rules. That costs more than
all the rest of a compiled answer, and comes to the same for each call that is alike: so it is done
once, and only the values that differ are filled in.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.kernel.ids import decode_id
from domain.reads import Viewer
from domain.reads.whole import Hole, Statement
from schema.shared.plan_operation import PlanOperation
from tenants.context import Scope

READY_MAX: Final = 32
"""Of one document: a page more or a search for other words must not push out other documents."""
_LENGTH_MAX: Final = 100
_ABSENT: Final = object()
_SIMPLE: Final = frozenset({int, bool, float, type(None), type(_ABSENT)})


@dataclass(frozen=True, slots=True)
class Ready:
    """A statement and its values, those left out that differ between calls that are alike."""

    statement: Statement
    _values: list[Any]
    _of_viewer: tuple[Hole, ...]
    _of_ids: tuple[tuple[Hole, str], ...]

    @classmethod
    def of(
        cls, statement: Statement, values: list[Any], viewer: Viewer, differs: Mapping[str, str]
    ) -> "Ready":
        """Out of the values of one call; `differs` tells the variables of its ids by the names of
        the parameters."""
        # Apart, since a caller names variables, and may name one as we do the brand.
        ids = statement.holes(frozenset(differs))
        return cls(
            statement,
            values,
            statement.holes(frozenset(viewer.binds())),
            tuple((hole, differs[hole.name]) for hole in ids),
        )

    def filled(self, viewer: Viewer, ids: Mapping[str, UUID]) -> list[Any]:
        """The values of another call."""
        values, binds = self._values.copy(), viewer.binds()
        for hole in self._of_viewer:
            values[hole.at] = hole.taken(binds[hole.name])
        for hole, variable in self._of_ids:
            values[hole.at] = hole.taken(ids[variable])
        return values


@dataclass(frozen=True, slots=True)
class Alike:
    """What calls that are alike have in common, and the ids in which this one differs."""

    key: Hashable
    ids: Mapping[str, UUID]


def alike(
    operation: PlanOperation, name: str | None, variables: Mapping[str, Any], scope: Scope
) -> Alike | None:
    """What a call has in common with others; None for one that is by itself: with an id that is
    none, with lists, objects or long texts."""
    said: list[Any] = [name, scope.permissions, scope.actor.id is None, scope.client_id is None]
    said.append(scope.ib_path is None)
    for each in operation.others:
        value = variables.get(each, _ABSENT)
        kind = type(value)
        if kind is str:
            if len(value) > _LENGTH_MAX:
                return None
        elif kind not in _SIMPLE:
            return None
        # 1, 1.0 and true are one key to Python, and three values to GraphQL.
        said += (kind, value)
    ids: dict[str, UUID] = {}
    for each in operation.ids:
        given = variables.get(each)
        decoded = decode_id(given) if type(given) is str else None
        if decoded is None:
            return None
        said.append(decoded[0])
        ids[each] = decoded[1]
    return Alike(tuple(said), ids)
