"""Closed lists of the ibs context."""

from enum import StrEnum


class IbStatus(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
