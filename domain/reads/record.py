"""A row as the API sees it: attribute access, slots, and only what was asked for.

`Registry.link` makes one subclass per entity whose slots are the entity's fields, so reading a
field costs what any slot costs and a misspelt name fails loudly.
"""

from typing import TYPE_CHECKING, Any, ClassVar

RESERVED = frozenset({"entity", "key", "loaded", "masked_fields"})


class Record:
    """One object of one entity. `key` is its primary key without the brand.

    `masked_fields` names every field that this viewer gets in masked form, asked for or not.
    """

    __slots__ = ("key", "loaded", "masked_fields")

    entity: ClassVar[str] = ""

    def __init__(self, key: Any, masked_fields: tuple[str, ...] = ()) -> None:
        self.key = key
        self.masked_fields = masked_fields
        self.loaded: set[str] = set()

    def __repr__(self) -> str:
        return f"<{self.entity} {self.key}>"

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    else:

        def __getattr__(self, name: str) -> Any:
            # Reached only when a slot is empty or absent.
            if name.startswith("__"):
                raise AttributeError(name)
            raise AttributeError(
                f"{name!r} of {self.entity!r} was not loaded: name it in the selection "
                "(in schema/, say reads=(…) on the field that needs it)"
            )


def relation_slot(relation: str) -> str:
    """Where a record keeps its own side of a relation's key."""
    return f"_to_{relation}"


def record_class(entity: str, names: tuple[str, ...]) -> type[Record]:
    """The record type of one entity, with a slot for each name."""
    return type(f"{entity.title().replace('_', '')}Record", (Record,), {
        "__slots__": names,
        "entity": entity,
    })  # fmt: skip
