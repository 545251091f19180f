"""A running app, a browser, and pages that note every request that leaves the host and every console error."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .running import CHROMIUM, CHROMIUM_FLAGS, App

SHOTS = Path(__file__).parent / "shots"
# What Gradio writes on the console of a page that is left in the middle of a stream; nobody reads it.
LEAVING = re.compile("console: (AbortError: signal is aborted|Unexpected error Connection errored out)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM.exists():
                item.add_marker(pytest.mark.skip(reason=f"{CHROMIUM} is not installed"))


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with the demo, as a newcomer starts it."""
    with App(tmp_path_factory.mktemp("app")) as app:
        yield app


@pytest.fixture(scope="session")
def slow_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A page whose model takes 0.3 s for a token: time to stop, to queue and to leave."""
    with App(tmp_path_factory.mktemp("slow"), command=("-m", "tests.browser.slow_app")) as app:
        yield app


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Open a page as a new visitor; afterwards: nothing left the host, the console shows no error."""
    faults: list[str] = []
    contexts: list[Any] = []

    def open_page(url: str, width: int = 1440, height: int = 900, theme: str = "light", **options: Any) -> Any:
        phone = {"has_touch": True, "is_mobile": True} if width < 600 else {}
        context = chromium.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **phone, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda r: None if ours(r.url) else faults.append(f"request to {r.url}"))
        page.on("console", lambda m: faults.append(f"console: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on("framenavigated", lambda _: left(faults))
        separator = "&" if "?" in url else "/?"
        page.goto(f"{url}{separator}__theme={theme}")
        page.wait_for_selector("#run_btn, #stop_btn", state="visible")
        page.wait_for_timeout(500)
        return page

    def left(faults: list[str]) -> None:
        faults[:] = [fault for fault in faults if not LEAVING.match(fault)]

    def ours(url: str) -> bool:
        return url.startswith(("http://127.0.0.1:", "data:", "blob:"))

    yield open_page
    SHOTS.mkdir(exist_ok=True)
    for n, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=SHOTS / f"{request.node.name.replace('/', '_')[:80]}-{n}.png", full_page=True)
        context.close()
    assert faults == []
