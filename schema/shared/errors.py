"""How refusals reach a caller: expected ones as data of the mutation, the rest as coded errors.

A mutation names the codes it can refuse with; the wrapper turns exactly those into its payload's
`errors`. Everything else becomes a top-level error with a code of a closed list, by one table over
the families of domain errors. What is no domain error stays uncoded: a bug, shown as INTERNAL.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum, StrEnum
from functools import wraps
from types import GenericAlias
from typing import Any, Final, TypeVar, cast, dataclass_transform

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types import StreamExecutionResult
from strawberry.utils.str_converters import to_camel_case

from domain.kernel import errors as kernel
from schema.shared.permission import mark, public

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class ErrorCode(StrEnum):
    """The closed list of top-level codes."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    THROTTLED = "THROTTLED"
    COST_TOO_HIGH = "COST_TOO_HIGH"
    DOCUMENT_NOT_FOUND = "DOCUMENT_NOT_FOUND"
    CONFLICT = "CONFLICT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


CODE_OF_FAMILY: Final[Mapping[type[kernel.DomainError], ErrorCode]] = {
    kernel.NotFound: ErrorCode.BAD_USER_INPUT,
    kernel.Refused: ErrorCode.CONFLICT,
    kernel.Conflict: ErrorCode.CONFLICT,
    kernel.Invalid: ErrorCode.BAD_USER_INPUT,
    kernel.Forbidden: ErrorCode.FORBIDDEN,
    kernel.Busy: ErrorCode.UNAVAILABLE,
    kernel.Upstream: ErrorCode.UNAVAILABLE,
    kernel.Unavailable: ErrorCode.UNAVAILABLE,
}


def code_for(error: kernel.DomainError) -> ErrorCode:
    """The top-level code of a domain error: its own where it is in the list, else its family's."""
    if error.code in ErrorCode.__members__:
        return ErrorCode[error.code]
    families = (CODE_OF_FAMILY.get(each) for each in type(error).__mro__)
    return next((code for code in families if code is not None), ErrorCode.INTERNAL)


def shown_path(path: Iterable[str]) -> list[str]:
    """A path of input fields as the caller wrote it: camelCase."""
    return [to_camel_case(step) for step in path]


def coded(errors: list[GraphQLError] | None) -> None:
    """Give each error that a domain error caused its code, reason and input path, in place."""
    for at, error in enumerate(errors or ()):
        cause = error.original_error
        if isinstance(cause, kernel.DomainError):
            assert errors is not None, "there is one"
            errors[at] = GraphQLError(
                cause.message,
                nodes=error.nodes,
                source=error.source,
                positions=error.positions,
                path=error.path,
                original_error=cause,
                extensions={
                    "code": code_for(cause).value,
                    "reason": cause.code,
                    "retryable": cause.retryable,
                    **({"argument": shown_path(cause.path)} if cause.path else {}),
                },
            )


class DomainErrors(SchemaExtension):
    """Codes the domain errors of every answer, of subscriptions too."""

    def on_execute(self) -> Iterator[None]:
        yield
        coded(getattr(self.execution_context.result, "errors", None))

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        coded(getattr(result, "errors", None))
        yield


@strawberry.interface(
    description="Why a mutation was refused. Each mutation's own type adds `code`.",
    directives=public(),
)
class UserError:
    message: str = strawberry.field(description="What to tell a person, in English.")
    path: list[str] = strawberry.field(description="The input field it is about, outermost first.")


def result(description: str) -> Any:
    """A field of a payload: null when the mutation was refused."""
    return strawberry.field(description=description, default=None)


@dataclass_transform(kw_only_default=True, field_specifiers=(result,))
def payload(*, errors: Mapping[str, str]) -> Callable[[type[T]], type[T]]:
    """The payload of a mutation: its result and `errors`.

    `errors` says which codes callers can get, and what each means; they become the enum
    `<Mutation>ErrorCode` and the type `<Mutation>Error`. The class is named `<Mutation>Payload`.
    """

    def decorate(cls: type[T]) -> type[T]:
        name = cls.__name__.removesuffix("Payload")
        assert name != cls.__name__, f"{cls.__name__} must be named <Mutation>Payload"
        error = _error_type(name, errors)
        cls.__annotations__["errors"] = GenericAlias(list, (error,))
        cls.errors = strawberry.field(  # type: ignore[attr-defined] # added here
            description="Why it was refused; empty when it was done.", default_factory=list
        )
        cls.__error_type__ = error  # type: ignore[attr-defined] # read by `mutation`
        return strawberry.type(
            cls, description=f"What `{_lower(name)}` answers.", directives=public()
        )

    return decorate


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _error_type(name: str, codes: Mapping[str, str]) -> type[Any]:
    values = {
        code: strawberry.enum_value(code, description=meaning) for code, meaning in codes.items()
    }
    made = Enum(f"{name}ErrorCode", values)  # type: ignore[misc] # members are known at run time
    code = strawberry.enum(made, description=f"Why `{_lower(name)}` can be refused.")
    namespace = {
        "__annotations__": {"code": code},
        "__module__": __name__,
        "code": strawberry.field(description="Stable code to branch on."),
    }
    cls = type(f"{name}Error", (UserError,), namespace)
    return strawberry.type(
        cls, description=f"Why `{_lower(name)}` was refused.", directives=public()
    )


def refusal(payload_type: type[T], error: kernel.DomainError) -> T | None:
    """The payload that says no; None when the mutation doesn't expect this error."""
    error_type = payload_type.__error_type__  # type: ignore[attr-defined] # set by `payload`
    codes = error_type.__annotations__["code"]
    if error.code not in codes.__members__:
        return None
    path = [] if not error.path else shown_path(_from_input(error.path))
    told = error_type(message=error.message, path=path, code=codes[error.code])
    refused: Callable[..., T] = payload_type
    if error.replayed and "replayed" in payload_type.__annotations__:
        return refused(errors=[told], replayed=True)
    return refused(errors=[told])


def _from_input(path: tuple[str, ...]) -> tuple[str, ...]:
    return path if path[0] == "input" else ("input", *path)


def mutation(description: str, *, needs: str) -> Callable[[F], F]:
    """A mutation field. `needs` is a permission or "public"; the function returns its payload.

    A `DomainError` whose code the payload knows becomes its `errors`; all others propagate.
    """

    def decorate(resolver: F) -> F:
        payload_type = resolver.__annotations__["return"]
        expected = to_camel_case(resolver.__name__)
        assert _lower(payload_type.__name__) == f"{expected}Payload", resolver.__name__

        @wraps(resolver)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            if "info" in kwargs:
                # What the mutation before this one read for its payload is given back: a command
                # takes a connection, and nobody asks for one while holding another.
                await kwargs["info"].context.refresh()
            try:
                return await resolver(*args, **kwargs)
            except kernel.DomainError as error:
                told = refusal(payload_type, error)
                if told is None:
                    raise
                return told

        made: Any = strawberry.mutation(
            resolver=guarded, description=description, directives=mark(needs)
        )
        return cast("F", made)

    return decorate
