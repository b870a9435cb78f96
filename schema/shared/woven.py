"""What a compiled plan wrote: JSON that is sent as it is, as a whole answer or inside one.

In a mutation's answer it stands for the object of a payload: the executor takes it for completed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from graphql import FieldNode
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

_VALUE: Final = 3
"""Where the value stands behind the type: after the fields, the info and the path."""


class Woven:
    """JSON, and what its rows are worth. No dataclass, which orjson would write out by itself."""

    __slots__ = ("data", "spent")

    def __init__(self, data: bytes, spent: int) -> None:
        self.data = data
        self.spent = spent


class Weave(Protocol):
    """Answers what a mutation's payload asks of an object by one statement.

    None where there is no plan for it: then its record has to be read and the executor goes on.
    """

    async def __call__(
        self, nodes: Sequence[FieldNode], type_name: str, entity: str, key: UUID, /
    ) -> Woven | None: ...


class WovenExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which leaves alone what a plan has completed."""

    def complete_object_value(self, return_type: Any, *rest: Any) -> Any:
        value = rest[_VALUE]
        if type(value) is Woven:
            return value
        return super().complete_object_value(return_type, *rest)

    def complete_abstract_value(self, return_type: Any, *rest: Any) -> Any:
        value = rest[_VALUE]
        if type(value) is Woven:
            return value
        return super().complete_abstract_value(return_type, *rest)


def json_of(value: object) -> orjson.Fragment:
    """For orjson, which asks this of what it doesn't know. Raises TypeError for all but Woven."""
    if isinstance(value, Woven):
        return orjson.Fragment(value.data)
    raise TypeError(f"{type(value).__name__} is no JSON")


def opened(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data of a mutation's answer with what plans wrote read into objects."""
    return {
        key: {name: _read(each) for name, each in value.items()}
        if isinstance(value, dict)
        else value
        for key, value in data.items()
    }


def _read(value: Any) -> Any:
    return orjson.loads(value.data) if type(value) is Woven else value
