"""The hosted page, by forms as a browser posts them."""

import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from tests.psp import RunningPsp
from tests.sandbox.merchant import RETURN_URL, Caller, Json

CARD = "4242 4242 4242 4242"
STEP_UP = "4000 0000 0000 3220"


class Payer:
    """A browser without scripts: opens pages, fills in forms, follows nothing by itself."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def page(self, payment: Json, *, status: int = 200) -> str:
        answer = await self.client.get(payment["checkout_url"])
        assert answer.status_code == status
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return answer.text

    async def press(self, payment: Json, action: str, **fields: str) -> httpx.Response:
        """Opens the page and presses a button of its form."""
        text = await self.page(payment)
        (token,) = re.findall(r'name="token" value="([^"]+)"', text)
        assert f'name="action" value="{action}"' in text
        data = {"token": token, "action": action, **fields}
        return await self.client.post(payment["checkout_url"], data=data)


@pytest.fixture
def merchant(caller: Caller) -> Caller:
    """Who asks for the payment."""
    return caller


@pytest_asyncio.fixture
async def payer(merchant: Caller) -> AsyncIterator[Payer]:
    """Who has a link and no key."""
    async with httpx.AsyncClient() as client:
        yield Payer(client)


def sent_back(answer: httpx.Response) -> dict[str, list[str]]:
    """The query that the payer takes to the merchant."""
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"]
    assert place.startswith(RETURN_URL.split("?")[0])
    return parse_qs(urlsplit(place).query)


async def test_a_card_pays(merchant: Caller, payer: Payer) -> None:
    made = await merchant.payment(reference="dep-1")
    back = sent_back(await payer.press(made, "pay", card=CARD))
    assert back == {"lang": ["en"], "reference": ["dep-1"], "status": ["PAID"]}
    shown = await merchant.see(made)
    assert (shown["status"], shown["received_amount"], shown["version"]) == ("PAID", "100.00", 2)
    assert "This payment is <strong>PAID</strong>" in await payer.page(made)


@pytest.mark.parametrize(
    ("action", "fields", "status", "code"),
    [
        ("pay", {"card": "4000 0000 0000 0002"}, "FAILED", "CARD_DECLINED"),
        ("decline", {}, "FAILED", "DECLINED_BY_PAYER"),
        ("cancel", {}, "CANCELLED", None),
    ],
    ids=["declined card", "decline", "cancel"],
)
async def test_a_payment_that_is_not_paid(
    merchant: Caller, payer: Payer, action: str, fields: dict[str, str], status: str, code: str
) -> None:
    made = await merchant.payment()
    assert sent_back(await payer.press(made, action, **fields))["status"] == [status]
    shown = await merchant.see(made)
    assert (shown["status"], shown["failure_code"]) == (status, code)
    assert shown["received_amount"] is None


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [("confirm", "PAID", None), ("refuse", "FAILED", "AUTHENTICATION_FAILED")],
    ids=["confirm", "refuse"],
)
async def test_a_card_that_asks(
    merchant: Caller, payer: Payer, answer: str, status: str, code: str | None
) -> None:
    made = await merchant.payment()
    asked = await payer.press(made, "pay", card=STEP_UP)
    assert (asked.status_code, asked.headers["location"]) == (303, f"/checkout/{made['id']}")
    assert (await merchant.see(made))["status"] == "AUTHORISED"
    assert sent_back(await payer.press(made, answer))["status"] == [status]
    shown = await merchant.see(made)
    assert (shown["status"], shown["failure_code"], shown["version"]) == (status, code, 3)


async def test_a_card_that_is_disputed_at_once(merchant: Caller, payer: Payer) -> None:
    made = await merchant.payment()
    sent_back(await payer.press(made, "pay", card="4000 0000 0000 0259"))
    shown = await merchant.see(made)
    (dispute,) = shown["disputes"]
    assert (shown["status"], dispute["status"], dispute["amount"]) == ("PAID", "OPEN", "100.00")


async def test_a_wallet_pays(merchant: Caller, payer: Payer) -> None:
    made = await merchant.payment(method="ewallet")
    sent_back(await payer.press(made, "pay", email="ada@example.com"))
    shown = await merchant.see(made)
    assert shown["source"]["label"] == "a•••@example.com"
    assert shown["status"] == "PAID"


async def test_a_transfer_comes_later_and_may_be_too_little(
    merchant: Caller, payer: Payer, psp: RunningPsp
) -> None:
    await psp.controls.faults(payout_delay_ms=60_000)
    made = await merchant.payment(method="bank")
    iban = "DE89 3704 0044 0532 0130 00"
    back = sent_back(await payer.press(made, "pay", iban=iban, amount="60.5"))
    assert back["status"] == ["PENDING"]
    assert (await merchant.see(made))["received_amount"] is None
    await psp.controls.faults(payout_delay_ms=10)
    sent_back(await payer.press(made, "pay", iban=iban, amount="0.5"))
    shown = await merchant.until(made, status="PAID")
    assert (shown["received_amount"], shown["source"]["label"]) == ("61.00", "DE •••• 3000")
    sent_back(await payer.press(made, "pay", iban=iban, amount="50"))
    shown = await merchant.until(made, received_amount="111.00")
    assert shown["status"] == "PAID"


@pytest.mark.parametrize(
    ("method", "fields", "text"),
    [
        ("card", {"card": "4111 1111 1111 1111"}, "none of the test cards"),
        ("ewallet", {"email": "nobody"}, "Write an e-mail"),
        ("bank", {"iban": "DE00", "amount": "1"}, "Write an IBAN"),
        ("bank", {"iban": "DE89370400440532013000", "amount": "1,5"}, "plain decimal"),
    ],
    ids=["card", "wallet", "iban", "amount"],
)
async def test_a_wrong_field_is_said_on_the_page(
    merchant: Caller, payer: Payer, method: str, fields: dict[str, str], text: str
) -> None:
    made = await merchant.payment(method=method)
    answer = await payer.press(made, "pay", **fields)
    assert answer.status_code == 400
    assert text in answer.text
    assert await merchant.see(made) == made


@pytest.mark.parametrize("token", ["", "of-another-payment"])
async def test_a_form_of_somebody_else_is_refused(
    merchant: Caller, payer: Payer, token: str
) -> None:
    made = await merchant.payment()
    data = {"token": token, "action": "pay", "card": CARD}
    answer = await payer.client.post(made["checkout_url"], data=data)
    assert answer.status_code == 403
    assert await merchant.see(made) == made


async def test_a_second_press_shows_where_the_payment_stands(
    merchant: Caller, payer: Payer
) -> None:
    made = await merchant.payment()
    (token,) = re.findall(r'name="token" value="([^"]+)"', await payer.page(made))
    data = {"token": token, "action": "pay", "card": CARD}
    for action in ("pay", "pay", "cancel", "decline"):
        answer = await payer.client.post(made["checkout_url"], data={**data, "action": action})
        assert sent_back(answer)["status"] == ["PAID"]
    assert (await merchant.see(made))["version"] == 2


async def test_looking_changes_nothing(merchant: Caller, payer: Payer) -> None:
    made = await merchant.payment()
    assert await payer.page(made) == await payer.page(made)
    assert await merchant.see(made) == made


async def test_an_unknown_link_is_a_page(payer: Payer, psp: RunningPsp) -> None:
    url = f"{psp.url}/checkout/pay_x"
    assert "Unknown payment" in await payer.page({"checkout_url": url}, status=404)
    assert (await payer.client.post(url, data={"action": "pay"})).status_code == 404


async def test_texts_of_the_merchant_are_not_markup(merchant: Caller, payer: Payer) -> None:
    bad = '<script>alert("1")</script>'
    made = await merchant.payment(reference=bad, description=bad)
    text = await payer.page(made)
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;") == 2


async def test_the_page_needs_nothing_from_elsewhere(merchant: Caller, payer: Payer) -> None:
    made = await merchant.payment()
    answer = await payer.client.get(made["checkout_url"])
    assert re.findall(r'(?:src|href)="', answer.text) == []
    assert "<script" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    for label in re.findall(r"<label>(.*?)</label>", answer.text):
        assert re.sub(r"<[^>]+>", "", label).strip(), "a field without a name"


async def test_pages_do_not_fail_on_demand(merchant: Caller, payer: Payer, psp: RunningPsp) -> None:
    made = await merchant.payment()
    await psp.controls.faults(answer_500=1)
    assert (await merchant.call("GET", f"/payments/{made['id']}")).status_code == 500
    await psp.controls.faults(answer_500=1, drop_answer=1, refuse=1)
    back = sent_back(await payer.press(made, "pay", card=CARD))
    assert back["status"] == ["PAID"]
    await psp.controls.faults()
    shown = await merchant.see(made)
    assert (shown["status"], shown["received_amount"]) == ("PAID", "100.00")
