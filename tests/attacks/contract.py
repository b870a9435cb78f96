"""The API read from its SDL: what each field needs, and documents that ask for all there is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)

from tests.house.sources import ROOT
from tests.house.test_sdl import marks

DEPTH = 3
Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType


@cache
def api() -> GraphQLSchema:
    """The committed SDL."""
    return build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))


def roots(kind: str) -> Mapping[str, GraphQLField]:
    """The fields of `query`, `mutation` or `subscription`."""
    root = getattr(api(), f"{kind}_type")
    return root.fields if root else {}


def rights_of(parent: GraphQLObjectType | GraphQLInterfaceType, name: str) -> frozenset[str]:
    """The permissions that a field needs: its own, and those of the types around it."""
    found = parent.fields[name]
    inner = get_named_type(found.type)
    named = [*marks(found.ast_node), *marks(parent.ast_node), *marks(inner.ast_node)]
    return frozenset(named) - {"public"}


def rights_of_root(kind: str, name: str) -> frozenset[str]:
    root = getattr(api(), f"{kind}_type")
    return rights_of(root, name)


@dataclass(frozen=True)
class Values:
    """What to put where an input asks for something: ids by the name of their field, the rest by
    type. `ids` maps a word of the field's name (`client`, `account`) to an id."""

    ids: Mapping[str, str]
    text: str = "text"
    enums: Mapping[str, str] = field(default_factory=dict)

    def id_for(self, name: str, owner: str = "") -> str:
        """The id for a field such as `clientId` or `accountIds`, else one by its owner's name."""
        plain = name.lower().removesuffix("s").removesuffix("id")
        for word, value in self.ids.items():
            if plain == word or (not plain and word in owner.lower()):
                return value
        for word, value in self.ids.items():
            if word in plain or word in owner.lower():
                return value
        return next(iter(self.ids.values()))


def example(kind: GraphQLInputType, values: Values, *, name: str = "", owner: str = "") -> Any:
    """A value of the right shape for an input type; only what is required."""
    if isinstance(kind, GraphQLNonNull):
        return example(kind.of_type, values, name=name, owner=owner)
    if isinstance(kind, GraphQLList):
        return [example(kind.of_type, values, name=name, owner=owner)]
    if isinstance(kind, GraphQLInputObjectType) and kind.is_one_of:
        key, one = next(iter(kind.fields.items()))
        return {key: example(GraphQLNonNull(one.type), values, name=key, owner=owner)}
    if isinstance(kind, GraphQLInputObjectType):
        return {
            key: example(one.type, values, name=key, owner=owner or kind.name)
            for key, one in kind.fields.items()
            if is_required_input_field(one)
        }
    if isinstance(kind, GraphQLEnumType):
        return values.enums.get(kind.name, next(iter(kind.values)))
    assert isinstance(kind, GraphQLScalarType)
    return _scalar(kind.name, values, name, owner)


def _scalar(kind: str, values: Values, name: str, owner: str) -> Any:
    now = datetime.now(UTC)
    match kind:
        case "ID":
            return values.id_for(name, owner)
        case "Int":
            return 100 if "leverage" in name.lower() else 1
        case "Boolean":
            return True
        case "DateTime":
            ago = timedelta(days=1) if name in ("from", "since") else timedelta()
            return (now - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
        case "Date":
            return now.date().isoformat()
        case "Decimal":
            return "0.10"
        case "CurrencyCode":
            return "USD"
        case "CountryCode":
            return "CY"
        case "URL":
            return "https://example.com/"
        case _ if name == "mediaType":
            return "image/png"
        case _ if "email" in name.lower():
            return f"{values.text}@people.example"
        case _ if "password" in name.lower():
            return f"Zq7-{name[:8]}-{values.text[:12]}"
        case _ if name == "scopes":
            return "session:read"
        case _ if "symbol" in name.lower():
            return "EURUSD"
        case _ if "phone" in name.lower():
            return "+35799123456"
        case _ if name.lower() in ("language", "locale"):
            return "en"
        case _:
            return values.text


def arguments(found: GraphQLField, values: Values, owner: str) -> str:
    """The required arguments of a field as literals, and a small page where there is one."""
    given = {
        name: _literal(one.type, example(one.type, values, name=name, owner=owner))
        for name, one in found.args.items()
        if is_required_argument(one)
    }
    if "first" in found.args and "after" in found.args:
        given.setdefault("first", "20" if owner in ("Query", "") else "3")
    if not given:
        return ""
    return "(" + ", ".join(f"{name}: {value}" for name, value in given.items()) + ")"


def _literal(kind: GraphQLInputType, value: Any) -> str:
    if isinstance(kind, GraphQLNonNull):
        return _literal(kind.of_type, value)
    if isinstance(kind, GraphQLList):
        return "[" + ", ".join(_literal(kind.of_type, one) for one in value) + "]"
    if isinstance(kind, GraphQLInputObjectType):
        inner = ", ".join(f"{k}: {_literal(kind.fields[k].type, v)}" for k, v in value.items())
        return "{" + inner + "}"
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def selection(
    kind: GraphQLOutputType, values: Values, allowed: frozenset[str] | None, depth: int = DEPTH
) -> str:
    """Everything below a field that the rights allow, down to a depth; empty for a scalar."""
    named = get_named_type(kind)
    if not isinstance(named, Composite):
        return ""
    parts = ["__typename"]
    taken: set[str] = set()
    if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        parts += _fields(named, values, allowed, depth=depth, taken=taken)
    if not isinstance(named, GraphQLObjectType):
        for possible in sorted(api().get_possible_types(named), key=lambda one: one.name):
            if is_allowed(marks(possible.ast_node), allowed):
                inner = _fields(possible, values, allowed, depth=depth, taken=taken)
                if text := " ".join(inner):
                    parts.append(f"... on {possible.name} {{ {text} }}")
    return "{ " + " ".join(parts) + " }"


def _fields(
    named: GraphQLObjectType | GraphQLInterfaceType,
    values: Values,
    allowed: frozenset[str] | None,
    *,
    depth: int,
    taken: set[str],
) -> Iterator[str]:
    """Fields with their selections. Members of a union may have one name with two types, which
    can't stand in one document, and repetitions are limited: the first one wins."""
    for name, found in named.fields.items():
        if not is_allowed(rights_of(named, name), allowed) or name in taken:
            continue
        inside = get_named_type(found.type)
        if isinstance(inside, Composite) and depth <= 0:
            continue
        if inside.name.endswith("Edge"):
            inner = "{ cursor }"  # its node is among the connection's nodes
        else:
            # A connection is on the way to its rows and no depth of its own.
            step = 0 if inside.name.endswith("Connection") else 1
            inner = selection(found.type, values, allowed, depth - step)
        taken.add(name)
        yield f"{name}{arguments(found, values, named.name)} {inner}".strip()


def is_allowed(rights: Any, allowed: frozenset[str] | None) -> bool:
    """Whether permissions suffice; None allows everything."""
    return allowed is None or set(rights) - {"public"} <= allowed
