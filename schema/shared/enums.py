"""Enums of the API that show a closed list of the domain, value for value, with descriptions."""

from collections.abc import Callable
from enum import Enum, StrEnum
from typing import TypeVar

import strawberry

E = TypeVar("E", bound=type[Enum])


def shows(values: type[StrEnum], description: str) -> Callable[[E], E]:
    """Makes an enum the API's form of a domain enum. Fails at import when their values differ."""

    def decorate(cls: E) -> E:
        made = strawberry.enum(cls, description=description)
        shown = {str(member.value) for member in cls}
        assert shown == {member.value for member in values}, f"{cls.__name__} differs: {shown}"
        return made

    return decorate
