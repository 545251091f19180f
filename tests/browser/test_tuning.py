"""The Fine-tune tab in a browser, on the embedded model: start, curves, stop, resume, reload, use; axe; a phone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .running import App
from .steps import PATIENCE, ask, open_tab, unfold, wait_ended
from .test_look import AXE, RULES, RUN_AXE, SIDEWAYS

SHOTS = Path(__file__).parent / "shots"
BEYOND = """() => [...document.querySelectorAll('#tune .card, #tune h2, #tune .tiles > div, #tune button.lg')]
  .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((one) => one.id || one.className)"""
STEPS = 30  # enough to be stopped in the middle on a fast machine


@pytest.fixture(scope="module")
def tuning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An app of its own, which a test may start again on the same home."""
    folder = tmp_path_factory.mktemp("tuning")
    apps = [App(folder)]

    def again() -> App:
        apps[-1].close()
        apps.append(App(folder))
        return apps[-1]

    yield type("Tuning", (), {"app": property(lambda _: apps[-1]), "again": staticmethod(again)})()
    if apps[-1].process.poll() is None:
        apps[-1].close()


def state(page: Any, *states: str) -> None:
    """Wait until the run that is shown is in one of these states."""
    page.wait_for_function(
        f"() => {json.dumps(states)}.includes(document.querySelector('.runhead')?.dataset.state)",
        timeout=PATIENCE,
        polling=200,
    )


def rows(folder: Path, extra: str = "") -> Path:
    """Sixty short rows: a step of a few tenths of a second."""
    made = [
        {"question": f"What is in box {n}?", "answer": f"In box {n} there are {n + 2} pens.", "group": f"g{n // 3}"}
        for n in range(60)
    ]
    file = folder / "boxes.jsonl"
    file.write_text("\n".join(map(json.dumps, made)) + extra)
    return file


def clean(page: Any, name: str) -> None:
    """Nothing for axe to find, nothing to scroll sideways; a picture to look at."""
    page.wait_for_timeout(600)
    page.screenshot(path=SHOTS / f"tune-{name}.png", full_page=True)
    page.evaluate(AXE.read_text("utf-8"))
    assert json.dumps(page.evaluate(RUN_AXE, RULES), indent=1) == "[]"
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(BEYOND) == [], "a card that is cut off does not make the page scroll"


def follow(visit: Callable[..., Any], app: App, theme: str = "light", **look: Any) -> Any:
    """Open the link of the run `boxes`."""
    page = visit(app.url, theme=theme, **look)
    page.goto(f"{app.url}/?training=boxes&__theme={theme}")
    page.wait_for_selector(".runhead", state="visible", timeout=PATIENCE)
    return page


def give(page: Any, file: Path) -> None:
    page.locator("#examples_card input[type=file]").set_input_files(str(file))
    page.wait_for_selector("#lint .verdict")


def test_a_first_adapter_from_a_file_to_compare(tuning: Any, visit: Callable[..., Any], tmp_path: Path) -> None:
    page = visit(tuning.app.url)
    page.wait_for_selector("#state[data-state=ready]", timeout=PATIENCE)
    open_tab(page, "Fine-tune")
    page.wait_for_selector("#run_head >> text=No run yet.")
    clean(page, "empty")
    give(page, rows(tmp_path, "\n{broken"))
    assert "1 blocking problem" in page.locator("#lint").inner_text()
    page.locator("#clean_btn").click()
    page.wait_for_selector("#examples_problem >> text=Clean copy made")
    page.wait_for_selector("#lint >> text=Nothing is in the way of training.")
    page.get_by_text("A row as the model sees it").click()
    page.wait_for_selector("#row_shown .tokens .loss")
    page.locator("#recipe").get_by_label("RAFT: also with passages, right and wrong ones").check()
    page.wait_for_selector("#row_shown >> text=Lesson 1 of")
    page.locator("#recipe").get_by_label("SFT: questions and answers only").check()
    unfold(page, "Advanced", "Steps")
    page.get_by_label("Steps").fill(str(STEPS))
    page.get_by_label("Patience").fill("0")  # or it might stop early, as it knows the boxes by then
    page.keyboard.press("Tab")
    page.wait_for_selector(f"#estimate >> text={STEPS} steps")
    clean(page, "form")
    page.get_by_label("Name").fill("boxes")
    page.locator("#train_start").focus()
    page.keyboard.press("Enter")
    state(page, "running")
    page.wait_for_selector("#run_curves .curve.train", timeout=PATIENCE)
    assert "training=boxes" in page.url
    page.reload()  # the page that comes back shows the run that goes on
    page.wait_for_selector("#run_curves .curve.train", state="visible", timeout=PATIENCE)
    page.locator("#run_stop").click()
    state(page, "stopped", "done")
    assert "boxes" in page.locator("#runs").inner_text()


def test_after_a_restart_the_run_goes_on_to_its_verdict(tuning: Any, visit: Callable[..., Any]) -> None:
    app = tuning.again()
    page = follow(visit, app)
    if page.locator("#run_resume").is_visible():
        page.locator("#run_resume").click()
    state(page, "done")
    page.wait_for_selector("#run_report .verdict")
    assert page.locator(".runhead").get_attribute("data-step") == str(STEPS)
    assert page.locator("#run_curves .dots.validation").count() == 1
    assert "Expected" in page.locator("#run_samples").inner_text()
    clean(page, "done")
    page.wait_for_selector("#adapters >> text=boxes")
    with page.expect_download() as waiting:
        page.locator("#adapters [data-act=export][data-name=boxes]").click()
    assert waiting.value.suggested_filename == "boxes.zip"
    page.locator("#adapters [data-act=delete][data-name=boxes]").click()
    page.wait_for_selector("#adapters_said >> text=It can be brought back.")
    page.locator("#undelete").click()
    page.wait_for_selector("#adapters [data-act=use][data-name=boxes]")
    page.locator("#adapters [data-act=merge][data-name=boxes]").click()
    page.wait_for_selector("#adapters_said >> text=are one model now", timeout=PATIENCE)
    merged = Path(page.locator("#adapters_said pre").inner_text().partition("=")[2])
    assert (merged / "model.safetensors").stat().st_size > 1e6
    page.wait_for_selector("#state[data-state=ready]", timeout=PATIENCE)
    page.locator("#run_use").click()
    page.wait_for_selector("#run_btn", state="visible")
    page.wait_for_selector("#pills >> text=Adapter boxes")
    ask(page, "What is in box 4?")
    wait_ended(page)
    assert "boxes" in page.locator("#run_line").inner_text()
    page.reload()
    page.wait_for_selector("#run_btn", state="visible")
    page.get_by_role("button", name="Run settings").click()
    page.wait_for_timeout(800)
    assert page.get_by_role("combobox", name="Adapter").input_value() == "boxes"


def test_a_sweep_from_the_page_ends_in_its_table(tuning: Any, visit: Callable[..., Any], tmp_path: Path) -> None:
    page = visit(tuning.app.url)
    open_tab(page, "Fine-tune")
    give(page, rows(tmp_path))
    unfold(page, "Advanced", "Steps")
    page.get_by_label("Steps").fill("2")
    page.keyboard.press("Tab")
    page.wait_for_selector("#estimate >> text=2 steps")
    page.get_by_text("Several runs to compare").click()
    page.locator("#sweep_btn").click()
    page.wait_for_selector("#group_said >> text=6 runs have started", timeout=PATIENCE)
    state(page, "done")
    for run in page.locator("#runs [data-act=show]").all():  # stop those that wait: two tell enough
        name = run.get_attribute("data-name") or ""
        if name.startswith("boxes-sweep-rank16"):
            page.locator(f"#runs [data-act=show][data-name='{name}']").click()
            page.wait_for_selector(f".runhead >> text={name}", timeout=PATIENCE)
            if page.locator("#run_stop").is_visible():
                page.locator("#run_stop").click()
            state(page, "stopped", "done")
    page.get_by_label("Duel, sweep or learning curve").click()
    page.get_by_role("option", name="boxes-sweep (sweep)").click()
    page.wait_for_selector("#group_table tbody tr >> nth=5", timeout=PATIENCE)
    told = page.locator("#group_table").inner_text()
    assert "rank8-rate" in told and "rank16-rate" in told and "lowest validation loss" in told
    clean(page, "sweep")


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (320, "dark")])
def test_the_tab_on_a_phone(tuning: Any, visit: Callable[..., Any], width: int, theme: str) -> None:
    page = follow(visit, tuning.app, width=width, height=844, theme=theme)
    page.wait_for_selector("#run_report .verdict", timeout=PATIENCE)
    page.locator("#tune_demo").tap()
    page.wait_for_selector("#estimate .estimate", timeout=PATIENCE)
    assert "of an undisturbed machine" in page.locator("#estimate .estimate").inner_text()
    clean(page, f"phone-{width}")


def test_in_the_dark(tuning: Any, visit: Callable[..., Any]) -> None:
    page = follow(visit, tuning.app, theme="dark")
    page.wait_for_selector("#run_report .verdict", timeout=PATIENCE)
    assert page.evaluate("document.body.classList.contains('dark')")
    clean(page, "dark")
