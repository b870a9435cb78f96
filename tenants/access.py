"""Rights: Casbin policies of roles per brand, compiled once into sets of permissions.

One `enforce` takes 1–140 ms on real policies, so it never runs on the hot path: each role of a
brand is compiled once per policy version, in a thread, and a field's check is a set look-up.
Subjects are `role:<name>`; a bare role name is nobody. Templates are the files in `policy/`; a
brand's own rows in `casbin_rule` add, extend and deny, within the brand and within brand rights.
"""

import asyncio
import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import casbin

from domain.kernel.errors import Forbidden, Invalid
from tenants.tokens import NO_BRAND
from tenants.values import Role

_POLICY = Path(__file__).with_name("policy")
_ALL = "*"
_NONE: frozenset[str] = frozenset()

Rule = tuple[str, ...]
"""A Casbin rule without trailing empties: `("p", "role:x", brand, object, action, effect)`."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of `permissions.csv`. Rights of reach OPERATOR no brand can grant."""

    name: str
    reach: Literal["BRAND", "OPERATOR"]
    description: str


@cache
def permissions() -> dict[str, Permission]:
    """Every permission there is, by name."""
    with (_POLICY / "permissions.csv").open(encoding="utf-8", newline="") as lines:
        found = [
            Permission(row["permission"], _reach(row["reach"]), row["description"])
            for row in csv.DictReader(lines)
        ]
    return {one.name: one for one in found}


def subject(role: str) -> str:
    """The Casbin subject of a role."""
    return f"role:{role}"


def allows(rules: Sequence[Rule], role: str, domain: str, permission: str) -> bool:
    """Casbin's own answer to one question. Slow: for compiling and for tests.

    Refusals: FORBIDDEN for a subject that is no `role:…` and for wildcards in the question.
    """
    return _ask(_enforcer((*_templates(), *rules)), role, domain, permission)


def compile_role(rules: Sequence[Rule], role: str, brand_id: UUID) -> frozenset[str]:
    """Every permission a role has in a brand. Slow: run it in a thread."""
    enforcer = _enforcer(_about((*_templates(), *rules), subject(role)))
    return frozenset(
        name for name in permissions() if _ask(enforcer, subject(role), brand_id.hex, name)
    )


def check_rule(rule: Rule, brand_id: UUID) -> Rule:
    """A brand's own rule, when it may stand.

    Refusals: INVALID for a rule that reaches past its brand, uses wildcards, names an unknown
    permission or effect, or gives the operator's role or rights.
    """
    if not _may_stand(rule, brand_id.hex):
        raise Invalid("INVALID", "A brand's rule names one role, this brand and a brand right.")
    return rule


class Access:
    """The compiled rights of this process: per brand the latest policy version only."""

    def __init__(self) -> None:
        self._brands: dict[UUID, Compiled] = {}
        self._templates: dict[str, frozenset[str]] = {}
        self._compiling = asyncio.Lock()

    def known(self, brand_id: UUID, version: int) -> "Compiled | None":
        """The brand's own rules of this version, when they are here."""
        compiled = self._brands.get(brand_id)
        return compiled if compiled is not None and compiled.version == version else None

    def learn(self, brand_id: UUID, version: int, rows: Iterable[Sequence[str]]) -> "Compiled":
        """Take the brand's own rules of a version; rows that may not stand are left out.

        A reader that was slow and comes with an older version gets it, and displaces nothing.
        """
        rules = [_trimmed(row) for row in rows]
        kept = [rule for rule in rules if _may_stand(rule, brand_id.hex)]
        compiled = Compiled(brand_id, version, tuple(kept))
        newest = self._brands.get(brand_id)
        if newest is None or newest.version <= version:
            self._brands[brand_id] = compiled
        return compiled

    async def of(self, compiled: "Compiled", roles: Iterable[str]) -> frozenset[str]:
        """What the roles may do together under one version of a brand's rules."""
        sets = [await self._of_role(compiled, role) for role in roles]
        return _NONE.union(*sets)

    async def of_template(self, role: str) -> frozenset[str]:
        """What a role template says, whatever a brand's own rules are: for operators."""
        return await self._in(self._templates, (), role, NO_BRAND)

    async def _of_role(self, compiled: "Compiled", role: str) -> frozenset[str]:
        sets = compiled.sets if compiled.rules else self._templates
        return await self._in(sets, compiled.rules, role, compiled.brand_id)

    async def _in(
        self, sets: dict[str, frozenset[str]], rules: Sequence[Rule], role: str, brand_id: UUID
    ) -> frozenset[str]:
        if role not in sets:
            async with self._compiling:
                if role not in sets:
                    sets[role] = await asyncio.to_thread(compile_role, rules, role, brand_id)
        return sets[role]


@dataclass(slots=True)
class Compiled:
    """A version of a brand's own rules, with the sets of permissions compiled from it so far."""

    brand_id: UUID
    version: int
    rules: tuple[Rule, ...]
    sets: dict[str, frozenset[str]] = field(default_factory=dict)


def template_roles() -> frozenset[str]:
    """The names of all role templates."""
    return frozenset(rule[1].removeprefix("role:") for rule in _templates())


@cache
def _templates() -> tuple[Rule, ...]:
    with (_POLICY / "roles.csv").open(encoding="utf-8") as lines:
        parsed = csv.reader(
            (line for line in lines if line.strip() and not line.startswith("#")),
            skipinitialspace=True,
        )
        return tuple(tuple(row) for row in parsed)


def _enforcer(rules: Sequence[Rule]) -> Any:
    enforcer: Any = casbin.Enforcer(str(_POLICY / "model.conf"))
    enforcer.add_policies([list(rule[1:]) for rule in rules if rule[0] == "p"])
    enforcer.add_grouping_policies([list(rule[1:]) for rule in rules if rule[0] == "g"])
    return enforcer


def _about(rules: Sequence[Rule], role: str) -> list[Rule]:
    """The rules that can touch a role: its own and those of whatever it may inherit from."""
    names, size = {role}, 0
    while len(names) != size:
        size = len(names)
        names |= {rule[2] for rule in rules if rule[0] == "g" and rule[1] in names}
    return [rule for rule in rules if rule[1] in names]


def _ask(enforcer: Any, role: str, domain: str, permission: str) -> bool:
    thing, _, action = permission.partition(":")
    if not role.startswith("role:") or _ALL in (domain, thing, action) or not action:
        raise Forbidden("FORBIDDEN", "Ask for one permission of one role in one brand.")
    return bool(enforcer.enforce(role, domain, thing, action))


def _may_stand(rule: Rule, domain: str) -> bool:
    match rule:
        case ("p", sub, dom, thing, action, effect):
            known = permissions().get(f"{thing}:{action}")
            grantable = known is not None and known.reach == "BRAND" and thing != "platform"
            return (
                _is_brand_role(sub) and dom == domain and effect in ("allow", "deny") and grantable
            )
        case ("g", sub, parent, dom):
            return _is_brand_role(sub) and _is_brand_role(parent) and dom == domain
        case _:
            return False


def _is_brand_role(sub: str) -> bool:
    name = sub.removeprefix("role:")
    return sub != name and name.isidentifier() and name.isascii() and name != Role.OPERATOR


def _trimmed(row: Sequence[str]) -> Rule:
    values = list(row)
    while values and not values[-1]:
        values.pop()
    return tuple(values)


def _reach(text: str) -> Literal["BRAND", "OPERATOR"]:
    assert text in ("BRAND", "OPERATOR"), text
    return "BRAND" if text == "BRAND" else "OPERATOR"
