"""Refusals of the clients context. Codes are public contract."""

from domain.kernel.errors import Conflict, Refused


class CountryNotAllowed(Refused):
    """The brand does not serve that country, or not under the client's legal entity."""

    def __init__(self, message: str = "We do not serve this country.") -> None:
        super().__init__("COUNTRY_NOT_ALLOWED", message, path=("input", "country"))


class IbUnknown(Refused):
    """No active ib has that code."""

    def __init__(self) -> None:
        super().__init__(
            "IB_UNKNOWN", "No active introducing broker has it.", path=("input", "ibCode")
        )


class TokenRefused(Refused):
    """Forged, used, replaced, expired or another brand's: one answer for all."""

    def __init__(self) -> None:
        super().__init__(
            "TOKEN_INVALID", "This link is not valid any more.", path=("input", "token")
        )


class PasswordRequired(Refused):
    """The address was registered more than once, so that no stored password is trusted."""

    def __init__(self) -> None:
        message = "Choose a password: this address was registered more than once."
        super().__init__("PASSWORD_REQUIRED", message, path=("input", "password"))


class FieldNotAllowed(Refused):
    """The actor may change the client, though not this field."""

    def __init__(self, field: str) -> None:
        super().__init__(
            "FIELD_NOT_ALLOWED", "You may not change this field.", path=("input", field)
        )


class ClientClosed(Refused):
    """A closed client is kept for the record and changed no more."""

    def __init__(self) -> None:
        super().__init__("CLIENT_CLOSED", "This client is closed.", path=("input", "clientId"))


class VersionMoved(Conflict):
    """Somebody changed the client since it was read."""

    def __init__(self) -> None:
        super().__init__(
            "VERSION_CONFLICT",
            "The client has changed; read it again.",
            path=("input", "expectedVersion"),
        )
