"""Rights: what templates say, what brands may add, and what nobody can."""

import csv
from pathlib import Path
from uuid import UUID

import pytest

from domain.kernel.errors import Forbidden, Invalid
from tenants.access import (
    Access,
    allows,
    check_rule,
    compile_role,
    permissions,
    template_roles,
)
from tenants.values import Role

POLICY = Path(__file__).parents[2] / "tenants" / "policy"
BRAND = UUID(int=7)  # fixed: parallel runs must collect the same tests
OTHER = UUID(int=8)


def allow(role, permission, brand=BRAND, effect="allow"):
    return ("p", role, brand.hex, *permission.split(":"), effect)


def test_every_role_has_a_template_and_every_line_names_a_permission():
    assert template_roles() == set(Role)
    lines = [
        line
        for line in (POLICY / "roles.csv").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    for kind, role, domain, thing, action, effect in csv.reader(lines, skipinitialspace=True):
        assert (kind, domain, effect) == ("p", "*", "allow")
        assert role.startswith("role:")
        assert f"{thing}:{action}" in permissions()
    assert len(lines) == len(set(lines))


def test_every_permission_is_described_and_held_by_somebody():
    held = frozenset().union(*(compile_role((), role, BRAND) for role in Role))
    assert held == permissions().keys()
    for one in permissions().values():
        assert len(one.description) >= 10
        assert one.name.count(":") == 1


def test_operator_rights_are_the_operators_alone():
    reserved = {one.name for one in permissions().values() if one.reach == "OPERATOR"}
    assert "platform:manage" in reserved
    for role in set(Role) - {Role.OPERATOR}:
        assert not compile_role((), role, BRAND) & reserved, role


def test_a_compiled_role_is_what_casbin_answers():
    rules = (
        allow("role:sales", "audit:read"),
        allow("role:sales", "clients:pii", effect="deny"),
        ("g", "role:senior", "role:sales", BRAND.hex),
        allow("role:senior", "clients:all"),
    )
    for role in ("sales", "senior", "auditor"):
        compiled = compile_role(rules, role, BRAND)
        for name in permissions():
            assert (name in compiled) == allows(rules, f"role:{role}", BRAND.hex, name)
    assert "audit:read" in compile_role(rules, "senior", BRAND)
    assert "clients:pii" not in compile_role(rules, "senior", BRAND)
    assert "clients:all" not in compile_role(rules, "sales", BRAND)


def test_a_rule_of_one_brand_says_nothing_in_another():
    rules = (allow("role:sales", "audit:read"), ("g", "role:sales", "role:auditor", BRAND.hex))
    assert "audit:read" in compile_role(rules, "sales", BRAND)
    assert compile_role(rules, "sales", OTHER) == compile_role((), "sales", OTHER)


@pytest.mark.parametrize("name", ["brand_admin", "sales", "staff:role:sales", "*", ""])
def test_a_name_like_a_role_is_nobody(name):
    with pytest.raises(Forbidden):
        allows((), name, BRAND.hex, "clients:list")
    assert allows((), "role:sales", BRAND.hex, "clients:list")
    assert not allows((), "role:role:sales", BRAND.hex, "clients:list")
    assert compile_role((), "role:sales", BRAND) == frozenset()


@pytest.mark.parametrize(
    ("domain", "permission"),
    [("*", "clients:list"), (BRAND.hex, "*:list"), (BRAND.hex, "clients:*"), (BRAND.hex, "x")],
)
def test_wildcards_in_a_question_are_refused(domain, permission):
    with pytest.raises(Forbidden):
        allows((), "role:brand_admin", domain, permission)


GOOD = [
    allow("role:sales", "audit:read"),
    allow("role:sales", "audit:read", effect="deny"),
    allow("role:own_invention", "clients:list"),
    ("g", "role:senior", "role:sales", BRAND.hex),
]
BAD = [
    (),
    ("p",),
    ("x", "role:sales", BRAND.hex, "audit", "read", "allow"),
    ("p", "sales", BRAND.hex, "audit", "read", "allow"),
    ("p", "role:sales", "*", "audit", "read", "allow"),
    ("p", "role:sales", OTHER.hex, "audit", "read", "allow"),
    ("p", "role:sales", BRAND.hex, "*", "read", "allow"),
    ("p", "role:sales", BRAND.hex, "audit", "*", "allow"),
    ("p", "role:sales", BRAND.hex, "audit", "invented", "allow"),
    ("p", "role:sales", BRAND.hex, "audit", "read", "maybe"),
    ("p", "role:sales", BRAND.hex, "audit", "read"),
    ("p", "role:sales", BRAND.hex, "platform", "manage", "allow"),
    ("p", "role:sales", BRAND.hex, "brands", "list", "allow"),
    ("p", "role:operator", BRAND.hex, "audit", "read", "allow"),
    ("g", "role:sales", "role:operator", BRAND.hex),
    ("g", "role:operator", "role:sales", BRAND.hex),
    ("g", "sales", "role:brand_admin", BRAND.hex),
    ("g", "role:sales", "role:brand_admin", "*"),
    ("g", "role:sales", "role:brand_admin", OTHER.hex),
    ("g", "role:sales", "role:brand_admin"),
]


@pytest.mark.parametrize("rule", GOOD)
def test_rules_a_brand_may_have(rule):
    assert check_rule(rule, BRAND) == rule


@pytest.mark.parametrize("rule", BAD)
async def test_rules_a_brand_may_not_have_are_refused_and_never_compiled(rule):
    with pytest.raises(Invalid):
        check_rule(rule, BRAND)
    access = Access()
    rules = access.learn(BRAND, 1, [rule])
    for role in ("sales", "operator", "own_invention"):
        assert await access.of(rules, [role]) == compile_role((), role, BRAND)


async def test_rights_are_kept_per_brand_and_version():
    access = Access()
    assert access.known(BRAND, 1) is None
    first = access.learn(BRAND, 1, [(*allow("role:sales", "audit:read"), "")])
    other = access.learn(OTHER, 1, [])
    assert access.known(BRAND, 1) is first
    assert access.known(BRAND, 2) is None
    assert "audit:read" in await access.of(first, ["sales"])
    assert "audit:read" not in await access.of(other, ["sales"])
    second = access.learn(BRAND, 2, [])
    assert access.known(BRAND, 1) is None
    assert "audit:read" not in await access.of(second, ["sales"])
    late = access.learn(BRAND, 1, [(*allow("role:sales", "audit:read"), "")])
    assert access.known(BRAND, 2) is second
    assert "audit:read" in await access.of(late, ["sales"])
    assert await access.of(second, []) == frozenset()
    assert await access.of(second, ["sales", "auditor"]) >= await access.of(second, ["auditor"])
