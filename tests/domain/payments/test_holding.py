"""While compliance looks at a client, its money goes nowhere and nobody is told why."""

import pytest

from domain.compliance.screening.values import Disposition, HitStrength
from domain.kernel.errors import DomainError
from domain.kernel.money import Money
from domain.payments.deposits.commands.create_deposit import create_deposit
from domain.payments.deposits.values import DepositWish
from domain.payments.withdrawals.commands.begin_sending import begin_sending
from domain.payments.withdrawals.plan import preview
from tenants.context import system_scope
from tests import sanctions
from tests.domain.payments.till import Till
from tests.domain.payments.withdrawals.counter import Counter
from tests.factories import scope_of


@pytest.fixture
def counter(till: Till) -> Counter:
    return Counter(till).open()


async def test_a_strong_hit_stops_what_is_asked_for_and_what_waits(counter: Counter) -> None:
    till, scope = counter.till, system_scope(counter.till.brand.id)
    await counter.deposit(200_000)
    approved = await counter.request("400")
    waiting = await counter.request("600")
    hit_id = sanctions.hit(till.make, till.brand, counter.client)

    with pytest.raises(DomainError) as refused:
        await counter.request("10")
    assert refused.value.code == "CLIENT_RESTRICTED"
    assert "screen" not in str(refused.value).lower()
    with pytest.raises(DomainError) as refused:
        await counter.approve(waiting)
    assert refused.value.code == "CLIENT_RESTRICTED"
    async with till.database.read(scope) as work:
        shown = await preview(work, counter.wallet_id(), Money(1_000, "USD"), None)
    assert shown.refusal is not None
    assert shown.refusal.code == "CLIENT_RESTRICTED"
    sending = await till.database.write(scope, lambda work: begin_sending(work, approved))
    assert sending.value == []
    assert counter.row(approved).status == "APPROVED"

    sanctions.put(till.make, till.brand, hit_id, Disposition.FALSE_POSITIVE)
    sending = await till.database.write(scope, lambda work: begin_sending(work, approved))
    assert len(sending.value) == 1
    await counter.approve(waiting)
    assert counter.row(waiting).status == "APPROVED"


@pytest.mark.parametrize(
    ("strength", "disposition", "code"),
    [
        (HitStrength.STRONG, Disposition.OPEN, "CLIENT_RESTRICTED"),
        (HitStrength.POSSIBLE, Disposition.TRUE_MATCH, "CLIENT_RESTRICTED"),
        (HitStrength.POSSIBLE, Disposition.CLEARING, "CLIENT_RESTRICTED"),
        (HitStrength.POSSIBLE, Disposition.OPEN, "INVALID"),
        (HitStrength.STRONG, Disposition.FALSE_POSITIVE, "INVALID"),
    ],
)
async def test_a_deposit_of_the_client_s_own_is_refused_alike(
    counter: Counter, strength: HitStrength, disposition: Disposition, code: str
) -> None:
    """INVALID is the return page's refusal, which comes after."""
    till = counter.till
    sanctions.hit(till.make, till.brand, counter.client, strength=strength, disposition=disposition)
    wish = DepositWish(
        method_id=counter.card, amount=Money(1_000, "USD"), return_url="http://elsewhere.example/"
    )
    scope = scope_of(till.brand, client=counter.client)
    with pytest.raises(DomainError) as refused:
        await till.database.write(scope, lambda work: create_deposit(work, wish))
    assert refused.value.code == code
