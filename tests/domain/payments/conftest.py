"""What tests of the cashier can ask for."""

import pytest

from tenants.work import Database
from tests.domain.payments.till import Till
from tests.factories import Brand, Factory


@pytest.fixture
def till(make: Factory, database: Database, brand: Brand) -> Till:
    """A PSP connection of a new brand, and its books."""
    return Till(make, database, brand).open()
