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
