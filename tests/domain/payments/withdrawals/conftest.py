"""What tests of withdrawals can ask for."""

import pytest

from tests.domain.payments.till import Till
from tests.domain.payments.withdrawals.counter import Counter


@pytest.fixture
def counter(till: Till) -> Counter:
    """A client of a new brand, with a card, a wallet and a bank that pays out."""
    return Counter(till).open()
