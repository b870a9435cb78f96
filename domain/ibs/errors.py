"""Refusals of the ibs context. Codes are public contract."""

from domain.kernel.errors import Refused


class CodeTaken(Refused):
    """Another ib of the brand has that code."""

    def __init__(self) -> None:
        super().__init__("CODE_TAKEN", "Another ib has this code.", path=("input", "code"))


class TreeTooDeep(Refused):
    """The parent stands on the last level."""

    def __init__(self, deepest: int) -> None:
        super().__init__(
            "TREE_TOO_DEEP", f"The tree has at most {deepest} levels.", path=("input", "parentId")
        )


class ParentSuspended(Refused):
    """A suspended ib takes nobody below it."""

    def __init__(self) -> None:
        super().__init__("PARENT_SUSPENDED", "The parent is suspended.", path=("input", "parentId"))


class BelowItself(Refused):
    """An ib can't hang below itself or below one of its own branch."""

    def __init__(self) -> None:
        super().__init__(
            "BELOW_ITSELF", "An ib can't move into its own branch.", path=("input", "parentId")
        )


class AlreadyThere(Refused):
    """The ib hangs where it is to go."""

    def __init__(self) -> None:
        super().__init__("ALREADY_THERE", "The ib hangs there.", path=("input", "parentId"))


class InvitationRefused(Refused):
    """Forged, used, replaced, expired or another brand's: one answer for all."""

    def __init__(self) -> None:
        message = "This invitation is not valid any more; ask for another."
        super().__init__("TOKEN_INVALID", message, path=("input", "token"))


class AddressTaken(Refused):
    """An ib signs in with that address already. Told to who holds the mailbox, nobody else."""

    def __init__(self) -> None:
        message = "An introducing broker signs in with this address already."
        super().__init__("EMAIL_TAKEN", message, path=("input", "token"))


class CampaignTaken(Refused):
    """The ib has a link of that name."""

    def __init__(self) -> None:
        message = "There is a link with this campaign already."
        super().__init__("CAMPAIGN_TAKEN", message, path=("input", "campaign"))


class InviterSuspended(Refused):
    """A suspended ib makes no links and invites nobody."""

    def __init__(self) -> None:
        super().__init__("IB_SUSPENDED", "The ib is suspended.", path=("input", "ibId"))


class AlreadySuspended(Refused):
    """The ib is suspended."""

    def __init__(self) -> None:
        super().__init__(
            "ALREADY_SUSPENDED", "The ib is suspended already.", path=("input", "ibId")
        )


class NotSuspended(Refused):
    """Only a suspended ib is reinstated."""

    def __init__(self) -> None:
        super().__init__("NOT_SUSPENDED", "The ib is not suspended.", path=("input", "ibId"))
