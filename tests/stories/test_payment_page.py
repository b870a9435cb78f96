"""A payer in a real browser, and a subscriber in another process who sees the money come."""

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from tests.api.embedded import ROOT
from tests.stories.cashier import Payer
from tests.stories.conftest import Installation

SOON_S = 1.0
_QUIET = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def browser_path() -> str:
    """The browser of this machine, or the reason to skip."""
    found = os.environ.get("BACKDESK_BROWSER") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        pytest.skip("no Chromium on this machine: install one, or name it in BACKDESK_BROWSER")
    return found


@asynccontextmanager
async def page_of_a_browser() -> AsyncIterator[Page]:
    """A page of a headless browser that leaves nothing behind."""
    # A browser refuses its sandbox to root.
    arguments = [*_QUIET, *(("--no-sandbox",) if os.geteuid() == 0 else ())]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path(), args=arguments, headless=True
        )
        try:
            yield await browser.new_page()
        finally:
            await browser.close()


@asynccontextmanager
async def subscriber(url: str, token: str) -> AsyncIterator[asyncio.StreamReader]:
    """The lines of a subscriber in a process of its own, which has said that it is live."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.stories.watcher", url, token,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        begun = json.loads(await process.stdout.readline())
        assert begun["__typename"] == "FeedHeartbeat"
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def until_settled(lines: asyncio.StreamReader, deposit: str) -> dict[str, Any]:
    """What the subscriber saw when the deposit was settled."""
    async with asyncio.timeout(60):
        while line := await lines.readline():
            item: dict[str, Any] = json.loads(line)
            if item.get("kind") == "SETTLED" and item["depositId"] == deposit:
                return item
    raise AssertionError("the subscriber ended")


async def test_a_browser_pays_and_another_process_sees_it_within_a_second(
    installation: Installation,
) -> None:
    browser_path()
    payer = await Payer.join(installation, "Bianca Browser")
    waits: list[float] = []
    async with page_of_a_browser() as page, subscriber(installation.told["ws"], payer.token) as saw:
        for n in range(3):
            deposit = await payer.begin("25.00", key=f"browser-{n}")
            await page.goto(deposit["next"]["url"])
            heading = await page.inner_text("h1")
            assert heading == "25.00 EUR"
            await page.check("input[value='4242 4242 4242 4242']")
            paid_at = time.time()
            # Nobody listens where the payer is sent back to.
            await page.click("button[value=pay]", no_wait_after=True)
            item = await until_settled(saw, deposit["id"])
            waits.append(item["at"] - paid_at)
    assert min(waits) < SOON_S, waits
    assert (await payer.wallet("EUR"))["available"]["amount"] == "75.00"
