"""How the page looks and for whom: axe (WCAG A and AA), phones down to 320 px, dark and light."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .running import App
from .steps import ask, open_tab, states, wait_ended

AXE = Path(__file__).parent / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN_AXE = """async (rules) => {
  const found = (await axe.run(document, {runOnly: rules})).violations;
  const where = (node) => `${node.target.join(' ')}: ${node.any[0]?.message || ''}`;
  return found.map((violation) => [violation.id, ...violation.nodes.slice(0, 5).map(where)]);
}"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)])
def test_axe_finds_nothing(app: App, visit: Callable[..., Any], theme: str, width: int) -> None:
    page = visit(app.url, width=width, theme=theme)
    ask(page, "What helps with a headache?")
    wait_ended(page)
    page.evaluate("document.querySelectorAll('#panels details').forEach((one) => { one.open = true; })")
    page.get_by_role("button", name="Run settings").click()
    page.get_by_text("Earlier questions").click()
    page.wait_for_timeout(900)
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(RUN_AXE, RULES) == []
    open_tab(page, "Documents")
    page.locator("#probe input, #probe textarea").first.fill("headache")
    page.locator("#find_btn").click()
    page.wait_for_selector("#found .src")
    page.locator("#documents tbody input").first.check()
    page.locator("#forget_btn").click()
    page.wait_for_selector("text=Forget 1 document?")
    page.wait_for_timeout(500)
    assert page.evaluate(RUN_AXE, RULES) == []


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_never_scrolls_sideways(app: App, visit: Callable[..., Any], width: int) -> None:
    page = visit(app.url, width=width, height=844)
    ask(page, "What helps with a headache?")
    wait_ended(page)
    assert states(page) == ["done"] * 3
    page.get_by_role("button", name="Run settings").click()
    page.wait_for_timeout(500)
    assert page.evaluate(SIDEWAYS) <= 0
    card = page.locator(".syscard.rag").bounding_box()
    assert 0.8 * width < card["width"] < 0.95 * width
    page.locator("#panels .cards").evaluate("(strip) => strip.scrollTo({left: strip.scrollWidth})")
    page.wait_for_timeout(400)
    assert page.locator(".syscard.hybrid").bounding_box()["x"] < width
    open_tab(page, "Documents")
    assert page.evaluate(SIDEWAYS) <= 0


@pytest.mark.parametrize("arms", [2, 3, 4])
def test_parts_of_the_panels_line_up(app: App, visit: Callable[..., Any], arms: int) -> None:
    page = visit(app.url)
    page.get_by_role("button", name="Run settings").click()
    if arms == 4:
        page.get_by_label("Base (Base model, no retrieval)").check()
    if arms == 2:
        page.get_by_label("Hybrid (LoRA adapter + retrieval)").uncheck()
    page.wait_for_function(f"document.querySelectorAll('#panels .syscard:not([hidden])').length === {arms}")
    page.wait_for_timeout(600)
    ask(page, "What helps with a headache?")
    wait_ended(page)
    for part in ("head", "body", "figures", "sources", "prompt"):
        tops = {
            round(box["y"])
            for box in (one.bounding_box() for one in page.locator(f".syscard:not([hidden]) > .part-{part}").all())
        }
        assert len(tops) == 1, (part, tops)
    page.get_by_role("button", name="Back to defaults").click()


def test_the_theme_is_kept(app: App, visit: Callable[..., Any]) -> None:
    page = visit(app.url)
    page.goto(app.url)
    page.wait_for_selector("#theme_toggle")
    before = page.evaluate("document.body.classList.contains('dark')")
    page.locator("#theme_toggle").click()
    assert page.evaluate("document.body.classList.contains('dark')") is not before
    page.reload()
    page.wait_for_selector("#run_btn")
    page.wait_for_timeout(500)
    assert page.evaluate("document.body.classList.contains('dark')") is not before


def test_a_notice_that_was_put_away_stays_away(app: App, visit: Callable[..., Any]) -> None:
    page = visit(app.url)
    page.wait_for_selector(".notice")
    assert "the demo was installed" in page.locator(".notice").inner_text()
    page.locator(".notice .dismiss").click()
    assert page.locator(".notice").count() == 0
    page.reload()
    page.wait_for_selector("#run_btn")
    page.wait_for_timeout(800)
    assert page.locator(".notice").count() == 0
