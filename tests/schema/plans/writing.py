"""Documents over the SDL, written by chance: whatever a caller might ask of the declared part.

Fields are drawn from the schema itself, so that a new type or field is asked without an edit here.
Aliases, fragments, `@skip` and `@include`, type names, several fields of one key, connections in
every form, filters, orders and cursors all come up, as literals and as variables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from schema.shared.follow import Follows, Way
from schema.shared.permission import marks_of
from schema.shared.selection import READS, Reads, Types

_DEFINITION = "strawberry-definition"
_ROOMS = 4
"""Lists and objects inside each other."""
_BUDGET = 14
"""Lists and objects of one document: the cost of nested pages multiplies."""


@dataclass
class Pool:
    """What there is to ask for: ids, cursors of every list, texts that filters may find."""

    ids: Sequence[str]
    cursors: Mapping[str, Sequence[str]]
    texts: Sequence[str]
    instants: Sequence[str]


@dataclass
class Asked:
    """A document with its variables."""

    text: str
    variables: dict[str, Any]


@dataclass
class Writer:
    """Writes one document, the same one for the same chance."""

    chance: Random
    schema: GraphQLSchema
    types: Types
    pool: Pool
    permissions: frozenset[str]
    fragments: list[str] = field(default_factory=list)
    declared: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    aliases: int = 0
    directives: int = 0
    left: int = _BUDGET

    def __post_init__(self) -> None:
        self.marks = marks_of(self.schema)

    def document(self) -> Asked:
        """A query of one to three root fields."""
        roots = [self._root() for _ in range(self.chance.randint(1, 3))]
        body = " ".join(roots)
        named = ", ".join(f"${name}: {type_}" for name, type_ in self.declared.items())
        head = f"query Q({named})" if named else "query"
        return Asked(" ".join([f"{head} {{ {body} }}", *self.fragments]), self.variables)

    def _flip(self) -> bool:
        return self.chance.random() < 0.5

    def _some(self, names: Sequence[Any], low: int, high: int) -> list[Any]:
        return self.chance.choices(names, k=self.chance.randint(low, high))

    def _root(self) -> str:
        kind = self.chance.choice(("list", "list", "node", "node", "nodes", "name"))
        if kind == "name":
            return self._keyed("__typename")
        if kind == "list":
            root = self.schema.query_type
            assert root is not None
            lists = [
                name
                for name, each in root.fields.items()
                if isinstance(_said(each), Follows)
                and _said(each).entity
                and self._may(root.name, name, each)
            ]
            if not lists:
                return self._keyed("__typename")
            return self._field(root, self.chance.choice(sorted(lists)), _ROOMS)
        ids = [self._id() for _ in range(1 if kind == "node" else self.chance.randint(0, 4))]
        type_ = self.schema.get_type("Node")
        of = {each.rpartition("_")[0] for each in ids}
        inner = self._node_selection(type_, sorted(of))
        value: Any = ids[0] if kind == "node" else ids
        argument = self._argument("id" if kind == "node" else "ids", value, self._id_type(kind))
        return f"{self._keyed_apart(kind)}({argument}) {{ {inner} }}"

    def _id_type(self, kind: str) -> str:
        return "ID!" if kind == "node" else "[ID!]!"

    def _id(self) -> str:
        return str(self.chance.choice(self.pool.ids))

    def _node_selection(self, node: Any, entities: Sequence[str]) -> str:
        """Fields of every type that the ids may be of, and now and then of another."""
        parts = ["id"] if self._flip() else ["__typename"]
        for entity in entities:
            variants = self.types.by_entity.get(entity)
            for type_ in variants.types.values() if variants else ():
                is_node = "Node" in {each.name for each in type_.interfaces}
                if is_node and self.marks.types[type_.name] <= self.permissions:
                    parts.append(f"... on {type_.name} {{ {self._selection(type_, _ROOMS)} }}")
        return " ".join(parts)

    def _selection(self, type_: Any, rooms: int) -> str:
        """A selection set on a type: never empty."""
        if isinstance(type_, GraphQLInterfaceType):
            return self._of_interface(type_, rooms)
        leaves, others = self._fields(type_)
        names: list[str] = []
        if leaves:
            names += self._some(leaves, 1, 5)
        if others and rooms > 0 and self.left > 0:
            names += self._some(others, 0, 2)
        names += ["__typename"] if not names or self.chance.randint(0, 9) == 0 else []
        return self._wrapped(type_.name, [self._field(type_, name, rooms) for name in names])

    def _of_interface(self, type_: GraphQLInterfaceType, rooms: int) -> str:
        shared = self._wrapped(type_.name, self._shared(type_, rooms))
        own = [
            f"... on {behind.name} {{ {self._selection(behind, rooms - 1)} }}"
            for behind in self.schema.get_possible_types(type_)
            if self._flip()
        ]
        return " ".join([shared, *own])

    def _shared(self, type_: GraphQLInterfaceType, rooms: int) -> list[str]:
        behind = self.schema.get_possible_types(type_)[0]
        leaves, others = self._fields(behind)
        names = [name for name in leaves if name in type_.fields]
        chosen = self._some(names, 1, 4) if names else []
        more = [name for name in others if name in type_.fields]
        if more and rooms > 0 and self.left > 0 and self._flip():
            chosen.append(self.chance.choice(more))
        return [self._field(type_, name, rooms) for name in (*chosen, "__typename")]

    def _wrapped(self, type_name: str, fields: list[str]) -> str:
        """Fields as they are, or some of them inside a fragment."""
        how = self.chance.randint(0, 7)
        if how > 2:
            return " ".join(fields)
        at = self.chance.randint(0, len(fields))
        inner, outer = " ".join(fields[:at]) or "__typename", " ".join(fields[at:])
        if how == 0 and len(self.fragments) < 6:
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {type_name} {{ {inner} }}")
            return f"...{name} {outer} ...{name}"
        condition = f"on {type_name} " if how == 1 else ""
        return f"... {condition}{self._directive()}{{ {inner} }} {outer or '__typename'}"

    def _directive(self) -> str:
        """Now and then `@skip` or `@include`, of a literal or a variable."""
        if self.directives > 6 or self.chance.randint(0, 5):
            return ""
        self.directives += 1
        name = self.chance.choice(("skip", "include"))
        value = self._flip()
        return f"@{name}({self._argument('if', value, 'Boolean!')}) "

    def _keyed(self, name: str) -> str:
        if self.aliases < 10 and not self.chance.randint(0, 5):
            self.aliases += 1
            return f"a{self.aliases}: {name}"
        return name

    def _field(self, type_: Any, name: str, rooms: int) -> str:
        if name == "__typename":
            return self._keyed(name)
        made = type_.fields[name]
        inner = get_named_type(made.type)
        text = self._keyed(name) if not made.args else self._keyed_apart(name)
        if is_leaf_type(inner):
            return text + " " + self._directive()
        said = _said(made)
        if isinstance(said, Follows) and said.way is Way.PAGED:
            self.left -= 2
            return self._connection(text, made, inner, rooms)
        if isinstance(said, Follows):
            self.left -= 1
            return f"{text} {self._directive()}{{ {self._selection(inner, rooms - 1)} }}"
        return f"{text} {self._directive()}{{ {self._plain(inner)} }}"

    def _keyed_apart(self, name: str) -> str:
        """Always under a key of its own: fields with other arguments can't share one."""
        self.aliases += 1
        return f"a{self.aliases}: {name}"

    def _plain(self, type_: Any) -> str:
        """A value object: all of its fields are leaves."""
        names = [*type_.fields, "__typename"]
        chosen = [*dict.fromkeys(self._some(names, 1, 4))]
        return " ".join(self._keyed(name) for name in chosen)

    def _connection(self, text: str, made: Any, type_: GraphQLObjectType, rooms: int) -> str:
        node = get_named_type(type_.fields["nodes"].type)
        arguments = self._page_arguments(made, node)
        parts: list[str] = []
        forms = ("nodes", "edges", "pageInfo", "totalCount", "__typename")
        for form in self._some(forms, 1, 3):
            if form == "nodes":
                parts.append(f"nodes {self._directive()}{{ {self._selection(node, rooms - 1)} }}")
            elif form == "edges":
                inner = self._selection(node, rooms - 1)
                parts.append(f"{self._keyed('edges')} {{ cursor node {{ {inner} }} }}")
            elif form == "pageInfo":
                parts.append(f"{self._keyed(form)} {{ {self._plain(self._type('PageInfo'))} }}")
            elif form == "totalCount":
                parts.append(f"totalCount {{ {self._plain(self._type('Count'))} }}")
            else:
                parts.append(self._keyed(form))
        shown = f"({', '.join(arguments)})" if arguments else ""
        return f"{text}{shown} {self._directive()}{{ {' '.join(parts)} }}"

    def _type(self, name: str) -> Any:
        return self.schema.get_type(name)

    def _page_arguments(self, made: Any, node: Any) -> list[str]:
        found: list[str] = []
        which = self.chance.choice(("first", "first", "first", "last", ""))
        if which:
            found.append(self._argument(which, self.chance.randint(1, 5), "Int"))
        cursors = self.pool.cursors.get(node.name, ())
        found += [
            self._argument(name, self.chance.choice(cursors), "Cursor")
            for name in ("after", "before")
            if cursors and not self.chance.randint(0, 3)
        ]
        if "orderBy" in made.args and not self.chance.randint(0, 2):
            type_ = made.args["orderBy"].type
            found.append(self._argument("orderBy", self._input(type_), str(type_)))
        if "filter" in made.args and not self.chance.randint(0, 2):
            type_ = made.args["filter"].type
            found.append(self._argument("filter", self._input(type_), str(type_)))
        return found

    def _argument(self, name: str, value: Any, type_: str) -> str:
        """An argument: its value as a variable, or written out where that is plain."""
        written = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
        if isinstance(value, int) and written is None:
            written = str(value)
        if isinstance(value, str):
            written = f'"{value}"'
        if written is not None and self._flip():
            return f"{name}: {written}"
        variable = f"v{len(self.variables)}"
        self.declared[variable] = type_
        self.variables[variable] = value
        return f"{name}: ${variable}"

    def _input(self, type_: Any) -> Any:
        """A value of an input type, of the kinds that filters and orders are made of."""
        bare = type_.of_type if is_non_null_type(type_) else type_
        if is_list_type(bare):
            count = self.chance.randint(0, 3)
            return [self._input(bare.of_type) for _ in range(count)]
        if isinstance(bare, GraphQLInputObjectType):
            required = [n for n, f in bare.fields.items() if is_non_null_type(f.type)]
            chosen = self._some([*bare.fields], 0, 2)
            names = dict.fromkeys([*required, *chosen])
            return {name: self._input(bare.fields[name].type) for name in names}
        if isinstance(bare, GraphQLEnumType):
            return self.chance.choice([*bare.values])
        return self._scalar(bare.name)

    def _scalar(self, name: str) -> Any:
        match name:
            case "ID":
                return self._id()
            case "Int":
                return self.chance.randint(-1, 5)
            case "Boolean":
                return self._flip()
            case "Decimal":
                return self.chance.choice(("0", "1.5", "-3", "100000"))
            case "Date":
                return self.chance.choice(self.pool.instants)[:10]
            case "DateTime":
                return self.chance.choice(self.pool.instants)
            case "CurrencyCode":
                return self.chance.choice(("USD", "EUR", "JPY"))
            case "CountryCode":
                return "CY"
            case _:
                return self.chance.choice(self.pool.texts)

    def _fields(self, type_: GraphQLObjectType) -> tuple[list[str], list[str]]:
        """Fields that show a value, and fields that lead on: declared ones that may be asked."""
        leaves, others = [], []
        for name, made in sorted(type_.fields.items()):
            if not self._may(type_.name, name, made):
                continue
            said, reads = _said(made), self.types.reads.get((type_.name, name))
            if isinstance(said, Follows):
                others.append(name)
            elif isinstance(reads, Reads) and reads.shows is not None:
                leaves.append(name)
        return leaves, others

    def _may(self, type_name: str, name: str, made: Any) -> bool:
        """Whether the asking actor has the permissions of a field and of what it leads to."""
        named = get_named_type(made.type)
        needed = self.marks.fields[type_name, name] | self.marks.types.get(named.name, frozenset())
        if named.name.endswith("Connection"):
            node = get_named_type(named.fields["nodes"].type)
            needed |= self.marks.types.get(node.name, frozenset())
        return needed <= self.permissions


def _said(made: Any) -> Any:
    return (made.extensions[_DEFINITION].metadata or {}).get(READS)
