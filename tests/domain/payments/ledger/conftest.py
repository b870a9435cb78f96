"""What tests of the ledger can ask for."""

import pytest

from tenants.work import Database
from tests.domain.payments.ledger.books import Books
from tests.factories import Brand


@pytest.fixture
def books(database: Database, brand: Brand) -> Books:
    """The ledger of a new brand."""
    return Books(database, brand)
