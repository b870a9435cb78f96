"""What house tests look at: every table that is declared."""

import pytest
from sqlalchemy import MetaData

from tests.declared import declared


@pytest.fixture(scope="session")
def metadata() -> MetaData:
    """All tables, whichever context declares them."""
    return declared()
