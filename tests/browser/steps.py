"""What a user does on the page, in words."""

from pathlib import Path
from typing import Any

PATIENCE = 180_000  # milliseconds: this suite also runs on a machine that is busy with other things
STATES = "() => [...document.querySelectorAll('#panels .syscard:not([hidden]) .state')].map((x) => x.dataset.state)"
TEXTS = (
    "() => [...document.querySelectorAll('#panels .syscard:not([hidden]) .part-body')].map((x) => x.innerText.trim())"
)
ENDED = "() => { const s = (%s)(); return s.length > 0 && s.every((x) => ['done', 'stopped', 'failed'].includes(x)); }"


def ask(page: Any, question: str) -> None:
    page.locator("#question textarea").fill(question)
    page.keyboard.press("Control+Enter")


def states(page: Any) -> list[str]:
    return page.evaluate(STATES)


def texts(page: Any) -> list[str]:
    return page.evaluate(TEXTS)


def wait_ended(page: Any) -> None:
    """Every panel has ended and the page takes the next question."""
    page.wait_for_function(ENDED % STATES, timeout=PATIENCE, polling=200)
    page.wait_for_selector("#run_btn", state="visible")


def wait_writing(page: Any, words: int = 5) -> None:
    """Some panel has written this much."""
    page.wait_for_function(
        f"() => ({TEXTS})().some((text) => text.split(' ').length > {words}) && ({STATES})().includes('writing')",
        timeout=PATIENCE,
        polling=50,
    )


def problem(page: Any) -> str:
    page.wait_for_selector("#problem .problem", state="visible")
    return page.locator("#problem").inner_text().strip()


def open_tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    page.wait_for_timeout(400)
    wait_drawn(page)


def unfold(page: Any, title: str, field: str) -> None:
    page.get_by_text(title).click()
    page.get_by_label(field).wait_for()
    wait_drawn(page)


def wait_drawn(page: Any) -> None:
    """Fields that appear get their first values once more in the next frame; what is filled in before is lost."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_timeout(300)


def choose_documents(page: Any, *files: Path) -> None:
    """Choose files and wait until they are uploaded: before that the card still grows and moves the button below."""
    page.locator("#files input[type=file]").set_input_files([str(file) for file in files])
    page.wait_for_selector(f"#files .file-preview >> text={files[0].stem}")


def run_id(page: Any) -> str:
    return page.locator("#run_line").get_attribute("data-run")
