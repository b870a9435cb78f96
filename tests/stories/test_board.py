"""The board in a real browser: figures as GraphQL tells them, live, also after a server died."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Page, Request, WebSocket, expect

from api.demo.people import staff_email
from api.demo.story import BRANDS
from tenants.values import Role
from tests.stories.cashier import Payer
from tests.stories.conftest import Installation, wait_for
from tests.stories.telling import ask, http
from tests.stories.test_payment_page import browser_path, page_of_a_browser

DASHBOARD = """{ dashboard { leadsByStage { stage count } clientsInKyc { status count }
  depositsClearedToday { amount { amount currencyCode } count }
  withdrawalsPending { amount { amount currencyCode } count }
  ibVolume { lots } challengesNearFloor { distance { amount } } withheld { field } } }"""
WAY = ("NEW", "ASSIGNED", "CONTACTED", "INTERESTED", "REGISTERED", "KYC")
SOON_MS = 30_000
_KEPT = "JSON.parse(sessionStorage.getItem('backdesk.session'))"
_NAME = "one => one.id || one.textContent.trim().slice(0, 20)"
# While it is shut no socket of the page finds the server.
_DOOR = """window.WebSocket = class extends WebSocket {
  constructor(url, protocol) { super(window.isShut ? `${url}/nowhere` : url, protocol); } };"""


@dataclass
class Board:
    """The page, and everything it did that a person does not see."""

    installation: Installation
    page: Page
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._asked)
        self.page.on("websocket", self._opened)
        self.page.on("console", lambda one: self.said.append(f"{one.type}: {one.text}"))
        self.page.on("pageerror", lambda one: self.said.append(f"error: {one}"))

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    def _opened(self, socket: WebSocket) -> None:
        self.requests.append(socket.url)

    def token(self, role: str) -> str:
        found: str = self.installation.brand("aurora")["tokens"][role]
        return found

    async def open(self, role: str) -> None:
        """Sign in with the token of a member of staff, by keyboard."""
        await self.page.goto(f"{self.installation.url}/board")
        await self.page.get_by_label("Token of a member of staff").fill(self.token(role))
        await self.page.keyboard.press("Enter")
        await self.live()

    async def live(self) -> None:
        await expect(self.page.locator("#link")).to_have_text("Live", timeout=SOON_MS)

    async def values(self, card: str) -> list[str]:
        """The figures on a card as they are meant, before they are written for people."""
        found: list[str] = await self.page.locator(f"#{card} .body data").evaluate_all(
            "all => all.map(one => one.value)"
        )
        return found

    async def shows(self, card: str, expected: list[str]) -> None:
        """Wait until a card has exactly these figures."""
        async with asyncio.timeout(SOON_MS / 1000):
            while await self.values(card) != expected:  # noqa: ASYNC110 - another process: only looking tells
                await asyncio.sleep(0.05)

    async def rows(self) -> list[str]:
        """The live list, newest first, without the times."""
        found: list[str] = await self.page.locator("#events li").evaluate_all(
            "all => all.map(one => [...one.children].slice(1).map(c => c.textContent).join(' | '))"
        )
        return found

    async def until_told(self, *parts: str) -> list[str]:
        """The live list once a row has all of this in it."""
        row = self.page.locator("#events li")
        for part in parts:
            row = row.filter(has_text=part)
        await expect(row.first).to_be_visible(timeout=SOON_MS)
        return await self.rows()

    async def dashboard(self, role: str) -> Any:
        return await ask(http(self.installation, self.token(role)), DASHBOARD)


@pytest.fixture
async def board(installation: Installation) -> AsyncIterator[Board]:
    browser_path()
    async with page_of_a_browser() as page:
        yield Board(installation, page)


async def holds(installation: Installation, token: str) -> bool:
    """Whether somebody is known by a token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            installation.told["graphql"], json={"query": "{ viewer { name } }"}, headers=headers
        )
    return "errors" not in answer.json()


def money(sums: list[Any]) -> list[str]:
    return [f"{one['amount']['amount']} {one['amount']['currencyCode']}" for one in sums]


async def test_figures_are_those_of_the_api_and_change_by_themselves(
    installation: Installation, board: Board
) -> None:
    payer = await Payer.join(installation, "Berta Board")
    await board.open("brand_admin")
    told = await board.dashboard("brand_admin")
    at = {one["stage"]: one["count"] for one in told["leadsByStage"]}
    way = [at.get(stage, 0) for stage in WAY]
    await board.shows("leads", [str(sum(way)), *map(str, way)])
    kyc = [one["count"] for one in told["clientsInKyc"]]
    await board.shows("kyc", [str(sum(kyc)), *map(str, kyc)])
    await board.shows("withdrawals", money(told["withdrawalsPending"]))
    before = money(told["depositsClearedToday"])
    await board.shows("deposits", before)

    deposit = await payer.pay_in("75.00", key="board")
    after = money((await board.dashboard("brand_admin"))["depositsClearedToday"])
    assert after != before
    await board.shows("deposits", after)
    rows = await board.until_told("Deposit settled")
    assert any("Payment" in row and "75.00" in row and "Berta Board" in row for row in rows)
    assert deposit["status"] == "SETTLED"

    assert board.said == []
    origins = {urlsplit(url).netloc for url in board.requests}
    assert origins == {urlsplit(installation.url).netloc}
    assert not [url for url in board.requests if "bk_" in url or "?" in url], "no token in a URL"


async def test_what_one_may_not_see_is_said_and_not_asked(board: Board) -> None:
    await board.open("sales")
    told = await board.dashboard("sales")
    assert {one["field"] for one in told["withheld"]} == {"withdrawalsPending", "ibVolume"}
    withdrawals = board.page.locator("#withdrawals .body")
    await expect(withdrawals).to_have_text("Not for you to see: it takes approvals:list.")
    await expect(board.page.locator("#leads .big")).to_be_visible()
    assert board.said == []


async def test_a_server_that_died_costs_no_event(installation: Installation, board: Board) -> None:
    payer = await Payer.join(installation, "Rita Resumes")
    await board.page.add_init_script(_DOOR)
    await board.open("brand_admin")
    await payer.pay_in("31.00", key="before")
    await board.until_told("Deposit settled", "31.00")
    await board.page.evaluate("window.isShut = true")
    installation.part("serve").kill()
    await expect(board.page.locator("#link")).to_have_text("Reconnecting", timeout=SOON_MS)
    await asyncio.to_thread(wait_for, installation.ready, "serving again", seconds=120)
    await payer.pay_in("32.00", key="meanwhile")
    await board.page.evaluate("window.isShut = false")
    await board.live()
    await payer.pay_in("33.00", key="after")
    await board.until_told("Deposit settled", "33.00")
    for amount in ("31.00", "32.00", "33.00"):
        settled = [
            row for row in await board.rows()
            if row.startswith("Payment | Deposit settled") and amount in row and "Rita" in row
        ]  # fmt: skip
        assert len(settled) == 1, (amount, await board.rows())
    cleared = money((await board.dashboard("brand_admin"))["depositsClearedToday"])
    await board.shows("deposits", cleared)


async def test_a_token_that_does_not_hold_is_told(board: Board) -> None:
    page = board.page
    problem = page.locator("#gate-problem")
    await page.goto(f"{board.installation.url}/board")
    await expect(page.locator("#sign-in")).to_be_visible()
    for typed, told in (
        ("hunter2", "A token begins with bk_"),
        (board.token("sales")[:-3] + "xyz", "That token is not valid"),
        (board.token("client"), "it takes a brand's staff"),
    ):
        await page.locator("#token").fill(typed)
        await page.get_by_role("button", name="Open the board").click()
        await expect(problem).to_contain_text(told)
        assert await page.evaluate("sessionStorage.length") == 0
    await page.locator("#token").fill(board.token("finance"))
    await page.keyboard.press("Enter")
    await board.live()
    await page.reload()
    await board.live()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#token")).to_be_focused()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_where_the_host_names_the_brand_a_password_does(board: Board) -> None:
    page, told = board.page, board.installation.told
    host = urlsplit(board.installation.url).netloc.replace("localhost", "aurora.localhost")
    await page.goto(f"http://{host}/board")
    await expect(page.locator("#gate-brand")).to_contain_text("Aurora Markets")
    await page.get_by_label("E-mail").fill(staff_email(BRANDS[0], Role.SALES))
    for typed in ("not this one", told["password"]):
        await page.get_by_label("Password").fill(typed)
        await page.get_by_role("button", name="Sign in").click()
        if typed != told["password"]:
            await expect(page.locator("#gate-problem")).not_to_be_empty()
    await board.live()
    await expect(page.locator("#brand-name")).to_have_text("Aurora Markets")
    first = await page.evaluate(f"{_KEPT}.token")
    # Its time is over: the page has itself given another.
    await page.evaluate(f"() => sessionStorage.setItem('backdesk.session', "
                        f"JSON.stringify({{...{_KEPT}, until: 0}}))")  # fmt: skip
    await page.reload()
    await board.live()
    second = await page.evaluate(f"{_KEPT}.token")
    assert second != first
    await page.get_by_role("button", name="Sign out").click()
    async with asyncio.timeout(SOON_MS / 1000):
        while await holds(board.installation, second):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)


async def test_every_control_is_reached_by_the_keyboard(board: Board) -> None:
    page = board.page
    await board.open("brand_admin")
    await page.locator("body").evaluate("() => document.activeElement.blur()")
    reached = []
    for _ in range(8):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate(f"({_NAME})(document.activeElement)"))
    controls = await page.locator("button:visible, a, input:visible").evaluate_all(
        f"all => all.map({_NAME})"
    )
    assert set(controls) <= set(reached), reached
    assert (
        await page.evaluate("document.querySelectorAll('[tabindex]:not([tabindex=\"0\"])').length")
        == 1
    )
    await page.locator("#pause").focus()
    await page.keyboard.press("Space")
    await expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
    unnamed = await page.evaluate(
        "() => [...document.querySelectorAll('button, input, section, [role=region]')]"
        ".filter(one => !one.textContent.trim() && !one.labels?.length"
        " && !one.getAttribute('aria-labelledby')).length"
    )
    assert unnamed == 0


async def test_it_fits_a_telephone_in_the_dark(board: Board) -> None:
    await board.page.set_viewport_size({"width": 360, "height": 740})
    await board.page.emulate_media(color_scheme="dark")
    await board.open("brand_admin")
    await expect(board.page.locator("#ibs .body > *").first).to_be_visible()
    wide = await board.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360
    ground = await board.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(14, 20, 19)"
