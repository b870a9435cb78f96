"""The texts of mails to ibs, in English. Pure."""

from collections.abc import Mapping
from typing import Any

from domain.clients.letters import link_lines


def invitation(
    brand_name: str, names: tuple[str, str], token: str, branding: Mapping[str, Any], *, days: int
) -> tuple[str, str]:
    """Subject and text of the mail that lets somebody join below an ib. `names` are those of the
    invited and of who invites; the token stands on its own line."""
    invited, inviter = names
    return f"{inviter} invites you to work with {brand_name}", "\n".join(
        [
            f"Hello {invited},",
            "",
            f"{inviter} invites you to introduce clients to {brand_name} as a partner.",
            "",
            *link_lines(branding, "accept-invitation", token),
            f"Your code, valid for {days} days and for one use:",
            token,
            "",
            "If you don't know what this is about, do nothing.",
            "",
        ]
    )
