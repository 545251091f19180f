"""A page on an open address in a browser: strangers rate, the owner's link opens the rest, a banner warns of loss."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ragft_core import Settings, Studio
from ragft_core.testing import EchoEngine, OnePageIndex
from ragft_ui.owner import Owner
from tests.test_ratings import asked

from .test_rating import clean, judge, wait_sheet


@pytest.fixture(scope="module")
def open_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Listens on every address, as a Space does, in a home that a restart would empty."""
    folder = tmp_path_factory.mktemp("open")
    (folder / "tmp").mkdir()
    patch = pytest.MonkeyPatch()
    patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    patch.setenv("GRADIO_TEMP_DIR", str(folder / "home" / "downloads"))
    patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    patch.setattr("ragft_core.home.lasting", lambda _: False)
    import ragft_ui

    settings = Settings.load(home=folder / "home", demo=False, port=0, host="0.0.0.0")
    with Studio(settings, engine=EchoEngine(), retrieval=OnePageIndex()) as studio:
        for n in range(4):
            studio.store.save_comparison(asked(n))
        studio.warm()
        page = ragft_ui.build(studio)
        yield SimpleNamespace(url=ragft_ui.launch(page, studio), studio=studio, desk=studio.ratings)
        page.close(verbose=False)
    patch.undo()


def test_a_stranger_rates_and_the_owner_does_the_rest(open_page: SimpleNamespace, visit: Callable[..., Any]) -> None:
    made = open_page.desk.create("RAG against the rest", [asked(n) for n in range(4)])[0]
    judge(open_page, made)
    page = visit(open_page.url)
    page.get_by_role("tab", name="Rate").click()
    page.wait_for_selector("#rate_lobby >> text=You can rate a study whose link you were given")
    banner = page.locator("#not_kept")
    assert "Not kept across restarts" in banner.inner_text() and "Download before you leave" in banner.inner_text()
    assert not page.locator("#make_study").is_visible() and page.locator("#studies [data-study]").count() == 0
    page.wait_for_timeout(400)
    clean(page, "stranger")
    page.goto(f"{open_page.url}/?study={made.id}")
    page.locator("#rate_name input, #rate_name textarea").fill("ann")
    page.locator("#rate_start").click()
    wait_sheet(page, 0)
    assert not page.locator("#leave_btn").is_visible()

    page.goto(Owner(open_page.studio).link(open_page.url))
    assert "owner=" not in page.url
    page.get_by_role("tab", name="Rate").click()
    page.wait_for_selector(f"#studies [data-act=results][data-study='{made.id}']")
    page.wait_for_selector("#make_study", state="visible")
    page.locator(f"#studies [data-act=results][data-study='{made.id}']").click()
    page.wait_for_selector(".verdict")
    assert banner.is_visible()
    with page.expect_download() as waiting:
        page.locator("#export_csv").click()
    assert made.id.encode() in Path(waiting.value.path()).read_bytes()
