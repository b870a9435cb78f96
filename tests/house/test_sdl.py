"""The API's contract: current, described, marked with permissions, and never broken."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from graphql import (
    DirectiveNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    StringValueNode,
    build_schema,
    find_breaking_changes,
    get_named_type,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
)

from api.app import print_schema
from api.error_codes import render
from api.graphql.errors import STATUS_OF_CODE
from tenants.access import permissions
from tests.house.sources import ROOT, called, committed, of, report
from tests.house.test_names import GLOSSARY, words

COMMITTED = ROOT / "schema" / "schema.graphql"
RELEASED = ROOT / "schema" / "released.graphql"
# Rights that guard something else than a field, each with its reason.
BEYOND_FIELDS = {
    "approvals:back_office": "the first level of `withdrawalApprove` and `withdrawalReject`",
    "approvals:finance": "their second level",
    "approvals:compliance": "their third level",
    "clients:all": "widens the rows of `clients:list` and `clients:read`",
    "clients:pii": "unmasks fields that `clients:read` shows masked",
    "clients:names": "unmasks names that `clients:read` shows masked",
    "leads:all": "widens the rows of `leads:list` and `leads:read`",
    "ledger:watch": "the topic LEDGER of the field `events`",
    "platform:manage": "the operator's tools outside the API",
}


@cache
def contract() -> GraphQLSchema:
    return build_schema(COMMITTED.read_text(encoding="utf-8"))


def own_types() -> Iterator[GraphQLNamedType]:
    for named in contract().type_map.values():
        if not is_introspection_type(named) and not is_specified_scalar_type(named):
            yield named


def fields() -> Iterator[tuple[str, object]]:
    """Every output and input field, argument and enum value, with where it is."""
    for named in own_types():
        if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in named.fields.items():
                yield f"{named.name}.{name}", field
                for argument, one in field.args.items():
                    yield f"{named.name}.{name}({argument}:)", one
        elif isinstance(named, GraphQLInputObjectType):
            for name, one in named.fields.items():
                yield f"{named.name}.{name}", one
        elif isinstance(named, GraphQLEnumType):
            for name, value in named.values.items():
                yield f"{named.name}.{name}", value


def test_committed_sdl_is_current():
    assert COMMITTED.read_text(encoding="utf-8") == print_schema(), (
        "run `backdesk schema print > schema/schema.graphql` and read the diff"
    )


def test_nothing_released_is_broken():
    if not RELEASED.exists():
        pytest.skip("nothing is released yet")
    released = build_schema(RELEASED.read_text(encoding="utf-8"))
    changes = find_breaking_changes(released, contract())
    assert not changes, report([change.description for change in changes], "deprecate instead")


def test_everything_is_described():
    found = [named.name for named in own_types() if not named.description]
    found += [where for where, one in fields() if not getattr(one, "description", None)]
    found += [
        f"@{one.name}"
        for one in contract().directives
        if not is_specified_directive(one) and not one.description
    ]
    assert not found, report(found, "write it for the API's users")


def test_every_field_says_its_permission_or_that_it_is_public():
    found = [
        f"{named.name}.{name}"
        for named in own_types()
        if isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
        for name, field in named.fields.items()
        if not marks(field.ast_node) and not marks(named.ast_node)
    ]
    assert not found, report(found, "add @requires(permission:) or @public")


def test_every_mutation_says_its_own_permission():
    mutation = contract().mutation_type
    assert mutation is not None
    assert not [name for name, field in mutation.fields.items() if not marks(field.ast_node)]


def test_permissions_of_the_sdl_are_those_of_the_policy():
    """A right that no field takes protects nothing; a field's unknown right locks everybody out."""
    used = {
        right
        for named in own_types()
        for node in (named.ast_node, *(f.ast_node for f in getattr(named, "fields", {}).values()))
        for right in marks(node)
        if right != "public"
    }
    assert used <= set(permissions()), "add it to tenants/policy/permissions.csv"
    assert set(permissions()) - used <= set(BEYOND_FIELDS), "no field takes this permission"


def test_every_mutation_and_subscription_has_a_test():
    text = "\n".join(
        (ROOT / path).read_text(encoding="utf-8")
        for path in committed()
        if re.match(r"tests/(schema|api|stories|domain)/.*\.py$", path)
    )
    roots = (contract().mutation_type, contract().subscription_type)
    names = [name for root in roots if root for name in root.fields]
    found = [name for name in names if not re.search(rf"\b{name}\b", text)]
    assert not found, report(found, "test it through the endpoint in tests/schema/<context>/")


def test_mutations_have_one_shape():
    """One input, one payload with typed errors: front ends handle all of them with one function."""
    mutation = contract().mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        title = name[0].upper() + name[1:]
        assert list(field.args) == ["input"], name
        assert str(field.args["input"].type) == f"{title}Input!", name
        assert str(field.type) == f"{title}Payload!", name
        payload = get_named_type(field.type)
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["errors"].type) == f"[{title}Error!]!", name
        error = get_named_type(payload.fields["errors"].type)
        assert isinstance(error, GraphQLObjectType)
        assert [one.name for one in error.interfaces] == ["UserError"], name
        assert str(error.fields["code"].type) == f"{title}ErrorCode!", name


def test_lists_are_bounded():
    """Connections take first and after; whatever is a plain list is small by nature."""
    for named in own_types():
        if isinstance(named, GraphQLObjectType):
            for name, field in named.fields.items():
                if get_named_type(field.type).name.endswith("Connection"):
                    assert {"first", "after"} <= set(field.args), f"{named.name}.{name}"


def test_numbers_are_exact():
    found = [
        where
        for where, one in fields()
        if getattr(one, "type", None) and get_named_type(one.type).name == "Float"  # type: ignore[attr-defined] # has a type
    ]
    assert not found, report(found, "Decimal, Money or Int")


def test_no_caller_names_a_brand():
    """The brand comes from the token, key or host."""
    found = [
        where
        for where, _ in fields()
        if re.search(r"brandid", where.rpartition("(")[2].lower())
        and ("(" in where or where.partition(".")[0].endswith(("Input", "Filter")))
    ]
    assert not found, report(found, "take the brand from the scope")


def test_names_are_those_of_the_glossary():
    names = {named.name for named in own_types()} | {
        where.partition(".")[2] for where, _ in fields()
    }
    found = [name for name in names if words(name) & set(GLOSSARY)]
    assert not found, report(found, "one word per concept, in code and SDL alike")


def test_enum_values_shout():
    for named in own_types():
        if isinstance(named, GraphQLEnumType):
            assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in named.values), named.name


def test_types_and_fields_are_sorted():
    """A stable order keeps the diff of the contract readable."""
    names = [named.name for named in own_types()]
    assert names == sorted(names)


def marks(node: object) -> list[str]:
    """What a definition asks for: permission names, or `public`."""
    found = []
    directives: tuple[DirectiveNode, ...] = tuple(getattr(node, "directives", None) or ())
    for directive in directives:
        if directive.name.value == "public":
            found.append("public")
        elif directive.name.value == "requires":
            (argument,) = directive.arguments or ()
            assert isinstance(argument.value, StringValueNode)
            found.append(argument.value.value)
    return found


def test_every_error_code_is_documented():
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert page == render(contract()), "run `backdesk schema errors > docs/errors.md`"


def test_every_code_that_is_raised_is_in_the_contract():
    """A refusal whose code no payload and no closed list knows would reach callers as a bug."""
    known = set(STATUS_OF_CODE)
    for named in own_types():
        if isinstance(named, GraphQLEnumType) and named.name.endswith("ErrorCode"):
            known |= set(named.values)
    found = [
        f"{source.at(call)} {code}"
        for source in of("domain", "tenants")
        # Said by platforms and PSPs to us, and by the ledger to commands that lock what they judge.
        # Uploads are refused over plain HTTP, by `api.papers`.
        if not source.path.endswith(("/ports.py", "/ledger/errors.py", "/store_document.py"))
        for call in source.calls()
        for code in _raised(call)
        if code not in known
    ]
    assert not found, report(found, "name it in the payload of the mutations that can say it")


def _raised(call: ast.Call) -> list[str]:
    """The code in `Refused("CODE", …)` and in `super().__init__("CODE", …)` of an error."""
    name = called(call)
    families = {"Refused", "Conflict", "Invalid", "Forbidden", "Busy", "Upstream", "DomainError"}
    if name not in families and not (name == "__init__" and "super()" in ast.unparse(call.func)):
        return []
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and re.fullmatch(r"[A-Z][A-Z_]+", str(first.value)):
        return [str(first.value)]
    return []
