"""The texts of mails to clients, in English. Pure; a brand's own templates come on top later."""

from collections.abc import Mapping
from typing import Any

PORTAL = "portalUrl"


def link_lines(branding: Mapping[str, Any], page: str, token: str) -> list[str]:
    """The token as a link, for brands with a `portalUrl`. It is in the fragment, which browsers
    send to no server."""
    portal = branding.get(PORTAL)
    return [f"Open {portal}/{page}#token={token}", ""] if isinstance(portal, str) else []


def verification(
    brand_name: str, name: str, token: str, branding: Mapping[str, Any], *, days: int
) -> tuple[str, str]:
    """Subject and text of the mail that proves an address. The token stands on its own line."""
    return f"Confirm your e-mail address for {brand_name}", "\n".join(
        [
            f"Hello {name},",
            "",
            f"please confirm that this is your e-mail address for {brand_name}.",
            "",
            *link_lines(branding, "verify-email", token),
            f"Your code, valid for {days} days and for one use:",
            token,
            "",
            "If you did not register, do nothing: nobody can sign in before this is confirmed.",
            "",
        ]
    )


def verification_of_several(
    brand_name: str, name: str, token: str, branding: Mapping[str, Any], *, days: int
) -> tuple[str, str]:
    """As above, for an address that was registered more than once: a password is chosen with it."""
    return f"Confirm your e-mail address for {brand_name}", "\n".join(
        [
            f"Hello {name},",
            "",
            f"your e-mail address was registered with {brand_name} more than once, perhaps not",
            "always by you. If you want an account, confirm the address and choose a new password;",
            "passwords given when registering open nothing.",
            "",
            *link_lines(branding, "verify-email", token),
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


def password_reset(
    brand_name: str, token: str, branding: Mapping[str, Any], *, minutes: int
) -> tuple[str, str]:
    """Subject and text of the mail that lets one set a new password; the token as above."""
    return f"Choose a new password for {brand_name}", "\n".join(
        [
            "Hello,",
            "",
            f"somebody, hopefully you, asked for a new password with {brand_name}.",
            "",
            *link_lines(branding, "reset-password", token),
            f"Your code, valid for {minutes} minutes and for one use:",
            token,
            "",
            "If it was not you, do nothing: your password stays as it is.",
            "",
        ]
    )
