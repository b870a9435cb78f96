"""What was worked out for documents, held together and dropped together.

A document's tree weighs more than all that is made from it, and each of those things keeps it
alive. So whole documents are held, the one that was used last the longest, within three bounds:
the tokens of their texts, the number of things made from them, the characters of their statements.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from domain.reads.whole import Statement
from schema.shared.below import Below
from schema.shared.documents import CACHED_TOKENS, Prepared
from schema.shared.plan_operation import PlanOperation
from schema.shared.ready import READY_MAX, Ready

P = TypeVar("P")
THINGS_MAX: Final = 4_000
"""Operations, plans, statements, ready calls, queries below payloads, of all documents."""
CHARACTERS_MAX: Final = 8_000_000
"""Of all statements together, some 5,000 characters each."""


@dataclass(slots=True, eq=False)
class Known(Generic[P]):
    """What was made from one document; None for what is known not to be there."""

    operations: dict[str | None, PlanOperation] = field(default_factory=dict)
    plans: dict[tuple[Any, ...], P | None] = field(default_factory=dict)
    statements: dict[tuple[Any, ...], Statement | None] = field(default_factory=dict)
    below: dict[tuple[Any, ...], Below | None] = field(default_factory=dict)
    ready: dict[Hashable, Ready] = field(default_factory=dict)
    characters: int = 0

    def things(self) -> int:
        """How many there are."""
        return sum(map(len, self._all()))

    def clear(self) -> None:
        """Drop them all."""
        for each in self._all():
            each.clear()
        self.characters = 0

    def _all(self) -> tuple[dict[Any, Any], ...]:
        return self.operations, self.plans, self.statements, self.below, self.ready


class Shelf(Generic[P]):
    """The documents that are held. Say `grown` whenever something was made."""

    def __init__(self) -> None:
        self._held: OrderedDict[Prepared, Known[P]] = OrderedDict()
        self.tokens = 0
        self.things = 0
        self.characters = 0

    def of(self, prepared: Prepared) -> Known[P]:
        """What is known of a document; it is used now."""
        known = self._held.get(prepared)
        if known is None:
            # Documents are keys as themselves, so that none is mistaken for another.
            known = self._held[prepared] = Known()
            self.tokens += prepared.tokens
            self._trim()
        else:
            self._held.move_to_end(prepared)
        return known

    def grown(self, known: Known[P], characters: int = 0) -> None:
        """One thing more was made, a statement of so many characters."""
        known.characters += characters
        self.characters += characters
        self.things += 1
        self._trim()

    def keep(self, known: Known[P], key: Hashable, ready: Ready) -> None:
        """Keep what calls that are alike take, in the place of the oldest where there are many."""
        if len(known.ready) >= READY_MAX:
            del known.ready[next(iter(known.ready))]
            self.things -= 1
        known.ready[key] = ready
        self.grown(known)

    def clear(self) -> None:
        """Hold nothing."""
        self._held.clear()
        self.tokens = self.things = self.characters = 0

    def all(self) -> Iterator[Known[P]]:
        """What is known of each document, the longest unused first."""
        return iter(self._held.values())

    def _trim(self) -> None:
        while self._is_over() and len(self._held) > 1:
            prepared, known = self._held.popitem(last=False)
            self.tokens -= prepared.tokens
            self._forget(known)
        if self._is_over():
            # The one in use: what is asked of it next is made again.
            for known in self._held.values():
                self._forget(known)

    def _is_over(self) -> bool:
        return (
            self.tokens > CACHED_TOKENS
            or self.things > THINGS_MAX
            or self.characters > CHARACTERS_MAX
        )

    def _forget(self, known: Known[P]) -> None:
        # Whoever still works with it adds to nothing that is held.
        self.things -= known.things()
        self.characters -= known.characters
        known.clear()
