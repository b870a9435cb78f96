"""The texts of mails to clients, in English. Pure; a brand's own templates come on top later."""

from collections.abc import Mapping
from typing import Any

PORTAL = "portalUrl"


def verification(
    brand_name: str, name: str, token: str, branding: Mapping[str, Any], *, days: int
) -> tuple[str, str]:
    """Subject and text of the mail that proves an address. The token stands on a line of its own.

    With the brand's `portalUrl` it is a link as well; the token is in the fragment, which browsers
    send to no server.
    """
    portal = branding.get(PORTAL)
    link = [f"Open {portal}/verify-email#token={token}", ""] if isinstance(portal, str) else []
    return f"Confirm your e-mail address for {brand_name}", "\n".join(
        [
            f"Hello {name},",
            "",
            f"please confirm that this is your e-mail address for {brand_name}.",
            "",
            *link,
            f"Your code, valid for {days} days and for one use:",
            token,
            "",
            "If you did not register, do nothing: nobody can sign in before this is confirmed.",
            "",
        ]
    )


def registered_again(brand_name: str, name: str) -> tuple[str, str]:
    """Subject and text of the mail to a client whose address somebody tried to register again."""
    return f"You already have an account with {brand_name}", "\n".join(
        [
            f"Hello {name},",
            "",
            f"somebody, perhaps you, tried to register with {brand_name} using this address.",
            "You are registered already; sign in as usual, or choose a new password if you forgot",
            "yours. If it was not you, there is nothing to do.",
            "",
        ]
    )
