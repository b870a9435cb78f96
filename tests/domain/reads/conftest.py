"""The zoo's fixtures; see `zoo_database`."""

from tests.domain.reads.zoo_database import fresh, keeper, linked, reading, zoo_endpoints

__all__ = ["fresh", "keeper", "linked", "reading", "zoo_endpoints"]
