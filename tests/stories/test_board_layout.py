"""How the board's page is laid out, by its style sheet alone."""

from tests.api.embedded import ROOT
from tests.stories.test_payment_page import page_of_a_browser

CSS = (ROOT / "api" / "board" / "page" / "board.css").read_text()
ROW = (
    "<tr><th scope=row>CH-000123<span class=quiet>Viktor Ivanova-Merlin</span></th>"
    "<td>Maximum loss</td><td class=number>1,234.56 USD</td>"
    "<td class=number><span class='gauge danger'><span></span></span>0.96 %</td>"
    "<td class='number more'>194,000.00 USD</td><td class='number more'>195,234.56 USD</td>"
    "<td class='number more'>in 12 hours</td></tr>"
)
BAR = "<li><span>{}</span><span class=track><span class=fill></span></span><data>{}</data></li>"
BARS = "".join(BAR.format(*one) for one in (("New", 7), ("A much longer label here", 12_345)))
PAGE = (
    f"<style>{CSS}</style><main><div class=cards><section class=card><div class=body>"
    f"<ul class=bars>{BARS}</ul></div></section></div>"
    f"<section class=card id=challenges><div class=body><div class=scroll><table>{ROW}</table>"
    "</div></div></section><section class=card id=live></section></main>"
)
LEFT_OUT = "one => one.scrollWidth - one.clientWidth"
WIDTHS = "all => all.map(one => one.getBoundingClientRect().width)"


async def test_every_column_is_there_on_a_laptop_and_bars_are_of_one_measure() -> None:
    async with page_of_a_browser() as page:
        await page.set_content(PAGE)
        for width in (1216, 1280, 1320, 1366, 1440, 1920):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.locator(".scroll").evaluate(LEFT_OUT) == 0, width
            first, second = await page.locator(".track").evaluate_all(WIDTHS)
            assert first == second, width
