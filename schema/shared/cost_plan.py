"""The compiled form of a document's selections, and the prices read from it.

A `Plan` is one selection set: its own fields (`Term`s, inline fragments folded in) and the names of
the fragments it spreads. As in execution, a fragment counts once per selection set however often or
indirectly it is spread there. Each fragment is priced once per set of variables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schema.shared.woven import Woven

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One argument that says how many: its number, or the variable that will say it."""

    variable: str | None
    otherwise: int

    def read(self, variables: Variables) -> int:
        """The number asked for; `otherwise` when the variable says nothing countable."""
        if self.variable is None or self.variable not in variables:
            return self.otherwise
        counted = count(variables[self.variable])
        return self.otherwise if counted is None else counted


def count(value: object) -> int | None:
    """How many a literal or variable asks for: a number itself, a list by its length."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return max(value, 0)
    if isinstance(value, float) and value.is_integer():
        return max(int(value), 0)
    if isinstance(value, list | tuple):
        return len(value)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One field: it costs `base`, and `unit` plus its children for each of the things it returns.

    `sizes` is empty for a single thing; of several size arguments the largest counts.
    """

    name: str
    key: str
    base: int
    unit: int
    sizes: tuple[Wanted, ...]
    child: "Plan | None"
    introspective: bool

    def times(self, variables: Variables) -> int:
        """How many things to expect."""
        if not self.sizes:
            return 1
        return max(size.read(variables) for size in self.sizes)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One selection set, compiled."""

    terms: tuple[Term, ...]
    spreads: tuple[str, ...]


class Price:
    """Prices of one document. Plans are immutable, so what is derived from them is kept."""

    def __init__(self, fragments: Mapping[str, Plan]) -> None:
        self._fragments = fragments
        self._reach: dict[Plan, tuple[Plan, ...]] = {}
        self._depths: dict[Plan, int] = {}
        self._varying: dict[Plan, bool] = {}

    def reach(self, plan: Plan) -> tuple[Plan, ...]:
        """The plan itself and every fragment it spreads at its own level, each once."""
        known = self._reach.get(plan)
        if known is None:
            found: dict[str, Plan] = {}
            waiting = list(plan.spreads)
            while waiting:
                name = waiting.pop()
                fragment = self._fragments.get(name)
                if fragment is not None and name not in found:
                    found[name] = fragment
                    waiting.extend(fragment.spreads)
            known = self._reach[plan] = (plan, *found.values())
        return known

    def terms(self, plan: Plan) -> tuple[Term, ...]:
        """All fields of a selection set, those of its fragments included."""
        return tuple(term for part in self.reach(plan) for term in part.terms)

    def depth(self, term: Term) -> int:
        """How many fields deep the term goes, itself included."""
        return 1 + (self._depth_of(term.child) if term.child else 0)

    def _depth_of(self, plan: Plan) -> int:
        return max((self._own_depth(part) for part in self.reach(plan)), default=0)

    def _own_depth(self, plan: Plan) -> int:
        known = self._depths.get(plan)
        if known is None:
            known = self._depths[plan] = max((self.depth(term) for term in plan.terms), default=0)
        return known

    def varies(self, plan: Plan) -> bool:
        """Whether any price below depends on a variable."""
        return any(self._own_varies(part) for part in self.reach(plan))

    def _own_varies(self, plan: Plan) -> bool:
        known = self._varying.get(plan)
        if known is None:
            known = self._varying[plan] = any(
                any(size.variable is not None for size in term.sizes)
                or (term.child is not None and self.varies(term.child))
                for term in plan.terms
            )
        return known

    def of_plan(self, plan: Plan, variables: Variables) -> int:
        """The most the plan can cost with these variables."""
        return _Reckoning(self, variables).plan(plan)

    def of_answer(self, plan: Plan, answer: Mapping[str, Any]) -> int:
        """What the rows in an answer are worth: lists by their length, nulls nothing."""
        total, woven = 0, {}
        for part in self.reach(plan):
            for term in part.terms:
                if (term.base or term.unit or term.child) and term.key in answer:
                    value = answer[term.key]
                    if isinstance(value, Woven):
                        # Whatever was asked under this key was counted as it was written.
                        woven[term.key] = value.spent
                    else:
                        total += term.base + self._of_value(term, value)
        return total + sum(woven.values())

    def _of_value(self, term: Term, value: object) -> int:
        if isinstance(value, list):
            return sum(self._of_value(term, item) for item in value)
        if isinstance(value, dict):
            return term.unit + (self.of_answer(term.child, value) if term.child else 0)
        return 0


class _Reckoning:
    """One evaluation: every plan is priced once, whatever the number of its spreads."""

    def __init__(self, price: Price, variables: Variables) -> None:
        self._price = price
        self._variables = variables
        self._known: dict[Plan, int] = {}

    def plan(self, plan: Plan) -> int:
        return sum(self._own(part) for part in self._price.reach(plan))

    def _own(self, plan: Plan) -> int:
        known = self._known.get(plan)
        if known is None:
            known = self._known[plan] = sum(self._term(term) for term in plan.terms)
        return known

    def _term(self, term: Term) -> int:
        each = term.unit + (self.plan(term.child) if term.child else 0)
        return term.base + (each * term.times(self._variables) if each else 0)
