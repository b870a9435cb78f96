"""Permissions are said once, on the field or its type, and judged once, before anything is loaded.

`@requires(permission:)` on a type holds for every field of it; on a field it adds to that. A field
with neither, on an unmarked type, stops the build. A document is analysed once: which permission
each path needs, and under which `@skip`/`@include` variables; judging an operation is then a look
into a set. On refusal nothing runs: one FORBIDDEN error for each lacking permission, or
UNAUTHENTICATED for who has not said who they are.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import strawberry
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    is_interface_type,
    is_object_type,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema_directive import Location
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from schema.shared.permission_analysis import Marks, Need, Path, analysis_of
from schema.shared.straight import Asked, Judge
from tenants.context import ActorKind, Scope

_PLACES = [Location.FIELD_DEFINITION, Location.INTERFACE, Location.OBJECT]
_DEFINITION = "strawberry-definition"


@strawberry.schema_directive(
    locations=_PLACES,
    name="requires",
    description="Whoever asks for this needs the permission; on a type it holds for each field.",
)
class Requires:
    permission: str = strawberry.directive_field(name="permission")


@strawberry.schema_directive(
    locations=_PLACES,
    name="public",
    description="Needs no permission of its own; what leads here may.",
)
class Public:
    pass


def needs(permission: str) -> list[object]:
    """Directives of a field or type that needs a permission: `directives=needs("clients:read")`."""
    return [Requires(permission=permission)]


def public() -> list[object]:
    """Directives of a field or type that needs none of its own."""
    return [Public()]


def mark(permission: str | None, *, default: tuple[object, ...] = ()) -> list[object]:
    """The directives for a permission, `"public"` among them; the default when None."""
    if permission is None:
        return list(default)
    return public() if permission == "public" else needs(permission)


class UnmarkedField(Exception):
    """A field says neither which permission it needs nor that it is public."""


class Asking(Protocol):
    """What the check needs of an operation's context."""

    @property
    def scope(self) -> Scope: ...
    @property
    def request_id(self) -> str: ...


OnDenied: TypeAlias = Callable[[Any, str, Path], Awaitable[None]]


def _directives_of(element: Any) -> tuple[frozenset[str], bool]:
    definition = element.extensions.get(_DEFINITION)
    found = tuple(getattr(definition, "directives", None) or ())
    required = frozenset(each.permission for each in found if isinstance(each, Requires))
    return required, bool(required) or any(isinstance(each, Public) for each in found)


def _composites(schema: GraphQLSchema) -> Iterator[Any]:
    for name, each in schema.type_map.items():
        if not name.startswith("__") and (is_object_type(each) or is_interface_type(each)):
            yield each


@lru_cache(maxsize=16)
def marks_of(schema: GraphQLSchema) -> Marks:
    """The marks of a schema. Raises UnmarkedField; see `check_schema_marked`."""
    fields: dict[tuple[str, str], frozenset[str]] = {}
    types: dict[str, frozenset[str]] = {}
    for type_ in _composites(schema):
        of_type, type_marked = _directives_of(type_)
        types[type_.name] = of_type
        for name, field in type_.fields.items():
            own, marked = _directives_of(field)
            if not marked and not type_marked:
                raise UnmarkedField(
                    f"{type_.name}.{name} has no mark: say needs=… or public on it or on its type"
                )
            fields[type_.name, name] = own | of_type
    return Marks(fields, types)


def check_schema_marked(schema: strawberry.Schema) -> None:
    """Every field has a mark, and no interface asks for less than the types behind it.

    `Node.id` is the exception: whoever loads nodes checks the type that came out.
    Raises UnmarkedField with the names.
    """
    core = schema._schema
    marks = marks_of(core)
    for type_ in _composites(core):
        if not is_interface_type(type_):
            continue
        for name in type_.fields:
            if (type_.name, name) == ("Node", "id"):
                continue
            for behind in core.get_possible_types(type_):
                more = marks.fields[behind.name, name] - marks.fields[type_.name, name]
                if more:
                    raise UnmarkedField(
                        f"{type_.name}.{name} would show {behind.name}.{name} "
                        f"without {', '.join(sorted(more))}"
                    )


def lacking(
    schema: strawberry.Schema,
    document: DocumentNode,
    *,
    operation: str | None,
    variables: Mapping[str, Any] | None,
    permissions: frozenset[str],
) -> list[Need]:
    """The needs of an operation that these permissions don't meet; empty means that it may run.

    Ask again when a long-lived subscription's permissions change.
    """
    asked = Asked(document, operation, variables or {}, None)
    return _lacking(schema._schema, asked, permissions)


def _lacking(core: GraphQLSchema, asked: Asked, permissions: frozenset[str]) -> list[Need]:
    found = analysis_of(core, asked.document, marks_of(core)).needs(asked.name, asked.variables)
    return [need for need in found if need.permission not in permissions]


def judge_of(on_denied: OnDenied | None) -> Judge:
    """What the check below does before an operation of one answer."""

    async def judge(core: GraphQLSchema, asked: Asked) -> list[GraphQLError]:
        denied = _lacking(core, asked, asked.context.scope.permissions)
        refused = refusals(asked.context, denied) if denied else []
        for need in denied:
            if on_denied is not None:
                await on_denied(asked.context, need.permission, need.path)
        return refused

    return judge


def refusals(context: Asking, denied: Iterable[Need]) -> list[GraphQLError]:
    """The errors for a refused operation: a field's path and permission each, never a value."""
    denied = list(denied)
    if denied and context.scope.actor.kind is ActorKind.ANONYMOUS:
        return [_error("UNAUTHENTICATED", "Sign in first.", context)]
    return [
        _error(
            "FORBIDDEN",
            f"{'.'.join(need.path)} needs the permission {need.permission}.",
            context,
            permission=need.permission,
            field=list(need.path),
        )
        for need in denied
    ]


def _error(code: str, message: str, context: Asking, **more: object) -> GraphQLError:
    extensions = {"code": code, "requestId": context.request_id, **more}
    return GraphQLError(message, extensions=extensions)


class PermissionCheck(SchemaExtension):
    """Refuses an operation before it runs, in synchronous and asynchronous execution alike.

    Judged when the document is valid and, whatever the order of extensions, again before
    execution.
    """

    _errors: list[GraphQLError] | None = None

    def on_validate(self) -> Any:
        execution = self.execution_context
        if execution.pre_execution_errors == []:
            execution.pre_execution_errors = list(self._judge())
        yield

    def on_execute(self) -> Any:
        self._block(self._judge())
        yield

    def _judge(self) -> list[GraphQLError]:
        if self._errors is None:
            self._errors = refusals(self.execution_context.context, self._denied())
        return self._errors

    def _denied(self) -> list[Need]:
        execution = self.execution_context
        assert execution.graphql_document is not None, "parsed before it is validated"
        return lacking(
            execution.schema,
            execution.graphql_document,
            operation=execution.operation_name,
            variables=execution.variables,
            permissions=execution.context.scope.permissions,
        )

    def _block(self, errors: list[GraphQLError]) -> None:
        if not errors:
            return
        if self.execution_context.operation_type is OperationType.SUBSCRIPTION:
            raise errors[0]
        self.execution_context.result = PreExecutionError(data=None, errors=errors)


class AuditedPermissionCheck(PermissionCheck):
    """The same, and `on_denied` is awaited once for each lacking permission. Asynchronous only."""

    def __init__(self, on_denied: OnDenied) -> None:
        self._on_denied = on_denied

    async def on_validate(self) -> AsyncIterator[None]:
        execution = self.execution_context
        if execution.pre_execution_errors == []:
            execution.pre_execution_errors = list(await self._judge_and_tell())
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        self._block(await self._judge_and_tell())
        yield

    async def _judge_and_tell(self) -> list[GraphQLError]:
        if self._errors is None:
            context, denied = self.execution_context.context, self._denied()
            self._errors = refusals(context, denied)
            for need in denied:
                await self._on_denied(context, need.permission, need.path)
        return self._errors


def permission_check(on_denied: OnDenied | None = None) -> Callable[[], PermissionCheck]:
    """An extension factory for `strawberry.Schema(extensions=…)`."""
    if on_denied is None:
        return PermissionCheck
    return lambda: AuditedPermissionCheck(on_denied)
