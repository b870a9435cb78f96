"""What `sandboxAdvance` moves at a PSP that really listens: payers, and its refusals."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.levers import OutsideLevers
from domain.kernel.errors import DomainError
from domain.payments.sandbox import PayerDoes
from tests.psp import CONTROL_TOKEN, RunningPsp
from tests.sandbox.merchant import Caller


@dataclass(frozen=True)
class Told:
    """The settings that the levers read."""

    sandbox_url: str
    token: str = CONTROL_TOKEN
    simulator_socket: Path = Path("nobody.sock")

    @property
    def home(self) -> Any:
        return SimpleNamespace(secrets=lambda: SimpleNamespace(sandbox_token=self.token))


def levers(told: Any) -> OutsideLevers:
    return OutsideLevers(told)


async def test_a_payer_pays_all_of_it_or_is_declined(caller: Caller, psp: RunningPsp) -> None:
    moved = levers(Told(psp.url))
    paid, declined = await caller.payment(), await caller.payment()
    await moved.let_payer(paid["id"], PayerDoes.SETTLE)
    await moved.let_payer(declined["id"], PayerDoes.DECLINE)
    assert (await caller.see(paid))["status"] == "PAID"
    assert (await caller.see(paid))["received_amount"] == "100.00"
    seen = await caller.see(declined)
    assert (seen["status"], seen["failure_code"]) == ("FAILED", "CARD_DECLINED")


async def test_a_payer_who_paid_does_not_pay_again(caller: Caller, psp: RunningPsp) -> None:
    paid = await caller.payment()
    await levers(Told(psp.url)).let_payer(paid["id"], PayerDoes.SETTLE)
    with pytest.raises(DomainError) as caught:
        await levers(Told(psp.url)).let_payer(paid["id"], PayerDoes.SETTLE)
    assert (caught.value.code, caught.value.message) == ("SANDBOX_REFUSED", "It is paid already.")
    assert (await caller.see(paid))["received_amount"] == "100.00"


async def test_what_the_sandbox_refuses_is_told_in_its_words(psp: RunningPsp) -> None:
    with pytest.raises(DomainError) as caught:
        await levers(Told(psp.url)).let_payer("pay_unknown", PayerDoes.SETTLE)
    assert (caught.value.code, caught.value.path) == (
        "SANDBOX_REFUSED", ("input", "move", "payment"),
    )  # fmt: skip
    assert caught.value.message.count(".") == 1


async def test_nobody_there_is_told_as_away() -> None:
    moved = levers(Told("http://127.0.0.1:9"))
    for move in (
        moved.let_payer("pay_1", PayerDoes.SETTLE),
        moved.show_price("EURUSD", bid=1, ask=2),  # type: ignore[arg-type] # never sent
    ):
        with pytest.raises(DomainError) as caught:
            await move
        assert caught.value.code == "SANDBOX_AWAY"
