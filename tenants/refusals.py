"""Why somebody is not let in. Codes are those of the closed top-level list."""

from domain.kernel.errors import Busy, Conflict, Forbidden, Invalid


class Unauthenticated(Forbidden):
    """No valid credentials. Unknown, foreign, revoked, expired and malformed say the same."""

    def __init__(self) -> None:
        super().__init__("UNAUTHENTICATED", "This token is not valid; sign in again.")


class KeyUnknown(Forbidden):
    """A publishable key that opens no brand. Unknown, withdrawn and malformed say the same."""

    def __init__(self) -> None:
        super().__init__("UNAUTHENTICATED", "This publishable key is none of a brand's; check it.")


class BrandMismatch(Forbidden):
    """Host, key, header and token do not name the same brand."""

    def __init__(self) -> None:
        super().__init__("FORBIDDEN", "This host does not serve what your token or key opens.")


class BrandNotNamed(Forbidden):
    """On a neutral host, without a key, nothing says which brand is meant."""

    def __init__(self) -> None:
        super().__init__("FORBIDDEN", "Name the brand: send its publishable key or use its host.")


class BrandSuspended(Forbidden):
    """The brand exists and serves nobody but operators just now."""

    def __init__(self) -> None:
        super().__init__("FORBIDDEN", "This brand is suspended.")


class RightsChanged(Conflict):
    """The brand's policy moved since the request was authenticated."""

    def __init__(self) -> None:
        super().__init__("CONFLICT", "Your rights changed just now; try again.", retryable=True)


class OriginRefused(Forbidden):
    """A browser page of an origin that the publishable key is not bound to."""

    def __init__(self) -> None:
        super().__init__("FORBIDDEN", "This publishable key is not valid on this site.")


class AddressRefused(Forbidden):
    """An API token used from an address outside its list."""

    def __init__(self) -> None:
        super().__init__("FORBIDDEN", "This token is not valid from your address.")


class Throttled(Busy):
    """Too many attempts; `retry_after_s` says when the next one counts."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("THROTTLED", "Too many attempts; try again later.")
        self.retry_after_s = retry_after_s


class InvalidField(Invalid):
    """A field of an input has a value that can't be right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__("INVALID", message, path=("input", field))
