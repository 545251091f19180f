"""Writes the README's picture: `python -m tests.browser.screenshot` starts the app, asks a demo question, looks."""

import sys
import tempfile
from pathlib import Path

from .running import CHROMIUM, CHROMIUM_FLAGS, ROOT, App
from .steps import ask, wait_ended

PICTURE = ROOT / "assets" / "screenshot.png"
QUESTION = "How much does the skin check cost?"


def main(question: str = QUESTION, picture: Path = PICTURE) -> None:
    """1440 x 900, light, one source opened by its citation."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, App(Path(folder)) as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{app.url}/?__theme=light")
        page.wait_for_selector("#state[data-state=ready]", timeout=180_000)
        for dismiss in page.locator(".notice .dismiss").all():
            dismiss.click()
        ask(page, question)
        wait_ended(page)
        for arm in ("rag", "hybrid"):
            page.evaluate(f"document.querySelector('.syscard.{arm} .src').open = true")
        page.locator("body").click(position={"x": 5, "y": 5})
        page.wait_for_timeout(800)
        page.screenshot(path=picture)
        browser.close()
    print(f"wrote {picture}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
