"""The retrieval cards in a browser: every step of a search, a fact edited in place, the index made anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .running import App
from .steps import choose_documents, open_tab


def test_steps_are_shown_and_a_fact_is_edited_in_place(app: App, visit: Callable[..., Any], tmp_path: Path) -> None:
    whale = tmp_path / "whale.md"
    whale.write_text("# Whales\n\nThe blue whale weighs up to 150 tonnes.\n")
    page = visit(app.url)
    open_tab(page, "Documents")
    choose_documents(page, whale)
    page.locator("#add_btn").click()
    page.wait_for_selector("#index_report table")

    page.locator("#probe input, #probe textarea").first.fill("How heavy is a blue whale?")
    page.locator("#probe_steps").get_by_label("Variety").check()
    page.locator("#find_btn").click()
    page.wait_for_selector("#found .src")
    page.locator("details.steps > summary").click()
    steps = page.locator("details.steps").inner_text()
    assert all(name in steps for name in ("Meaning", "Keywords", "Fused", "Variety", "How heavy is a blue whale?"))

    page.locator("#chunk_source input").click()
    page.locator("#chunk_source input").fill("Whales")
    page.get_by_role("option", name="Whales").first.click()
    page.wait_for_selector(".chunk >> text=150 tonnes")
    page.locator("#chunk_choice input").click()
    page.get_by_role("option").first.click()
    field = page.locator("#chunk_text textarea")
    field.fill("The blue whale weighs up to 190 tonnes.")
    page.locator("#chunk_save").click()
    page.wait_for_selector("text=can be found after")
    page.locator("#find_btn").click()
    page.wait_for_selector("#found >> text=190 tonnes", state="attached")

    page.locator("#health_check").click()
    page.wait_for_selector("#health >> text=found themselves")
    page.locator("#health_rebuild").click()
    page.wait_for_selector("text=Made anew in")

    page.locator("#filter input, #filter textarea").first.fill("whale")
    page.wait_for_function("document.querySelectorAll('#documents tbody tr').length === 1")
    page.locator("#documents tbody input").check()
    page.locator("#forget_btn").click()
    page.locator("#forget_yes").click()
    page.wait_for_selector("text=1 document forgotten.")
