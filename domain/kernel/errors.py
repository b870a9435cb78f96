"""Expected errors: seven families for what a caller can do wrong, one for our own state.

`code` is public contract: it appears in a mutation's error enum and in docs, and is never renamed.
A foreign id and an unknown id raise the same `NotFound`, byte for byte.
"""


class DomainError(Exception):
    """An expected refusal: a stable code, a sentence that says what to do, and where it went wrong.

    `path` names the input field as the caller wrote it; `retryable` says that the same call may
    succeed later without change; `replayed` that it is an earlier call's refusal, given again.
    """

    def __init__(
        self, code: str, message: str, *, path: tuple[str, ...] = (), retryable: bool = False
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.path = path
        self.retryable = retryable
        self.replayed = False

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class NotFound(DomainError):
    """Unknown or foreign: the two look the same."""

    def __init__(self, message: str = "No such object.", *, path: tuple[str, ...] = ()) -> None:
        super().__init__("NOT_FOUND", message, path=path)


class Refused(DomainError):
    """A business rule says no."""


class Conflict(DomainError):
    """The state has moved on: another version, another use of a key."""


class Invalid(DomainError):
    """The input has the right shape and an impossible value."""


class Forbidden(DomainError):
    """The actor lacks the right."""


class Busy(DomainError):
    """Held by somebody else just now; the same call may succeed in a moment."""

    def __init__(self, code: str, message: str, *, path: tuple[str, ...] = ()) -> None:
        super().__init__(code, message, path=path, retryable=True)


class Upstream(DomainError):
    """A vendor or platform did not do its part."""


class Unavailable(DomainError):
    """The database could not answer; whether a write happened may be unknown."""

    def __init__(self, message: str = "The database is not available; try again.") -> None:
        super().__init__("UNAVAILABLE", message, retryable=True)
