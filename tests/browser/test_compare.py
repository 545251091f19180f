"""The main job in a browser, on the embedded model: ask, watch, stop, reload, share, open again."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from .running import App
from .steps import TEXTS, ask, open_tab, problem, run_id, states, texts, wait_drawn, wait_ended, wait_writing

HEADACHE = "What helps with a headache?"
STORY = " ".join(f"word{n}" for n in range(200))
COUNT = f"({TEXTS})().map((text) => text.split(/\\s+/).length)"
STOP = {
    "button": f"() => {{ const words = {COUNT}; document.querySelector('#stop_btn').click(); return words; }}",
    "escape": f"() => {{ const words = {COUNT}; document.dispatchEvent("
    "new KeyboardEvent('keydown', {key: 'Escape', bubbles: true})); return words; }",
}
Visit = Callable[..., Any]


def test_a_demo_question_is_answered_in_three_panels(app: App, visit: Visit) -> None:
    page = visit(app.url)
    page.locator("#examples_row button").first.click()
    wait_ended(page)
    assert states(page) == ["done"] * 3 and all(texts(page))
    assert page.locator(".syscard.rag .src").count() == 3 and page.locator(".syscard.tuned .src").count() == 0
    assert "fastest" in page.evaluate("getComputedStyle(document.querySelector('.chip.best'), '::after').content")
    assert page.locator("#state").inner_text() == "Ready" and "84 chunks" in page.locator("#pills").inner_text()
    for wanted in ("First token", "Total", "tok/s", "in,"):
        assert wanted in page.locator(".syscard.rag .chips").inner_text()


def test_a_question_asked_while_the_model_loads_is_answered_when_it_is_there(
    visit: Visit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with App(tmp_path_factory.mktemp("loading")) as app:
        page = visit(app.url)
        ask(page, HEADACHE)
        page.wait_for_selector("text=the answer follows", timeout=5000)
        wait_ended(page)
        assert states(page) == ["done"] * 3
        page.close()  # a page that is open looks for the app again, and says so when it is gone
        assert app.close() == 0


def test_a_citation_opens_its_source_and_the_prompt_can_be_read(slow_app: App, visit: Visit) -> None:
    page = visit(slow_app.url)
    ask(page, "Why is the sky blue?")
    wait_ended(page)
    page.locator(".syscard.rag .cite").click()
    source = page.locator(".syscard.rag .src[open]")
    assert source.locator("mark").all_inner_texts() == ["sky", "blue", "blue"]
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.locator(".syscard.rag .prompt summary").click()
    assert "Why is the sky blue?" in page.locator(".syscard.rag .prompt pre").inner_text()


def test_a_source_that_was_opened_stays_open_when_the_answer_ends(slow_app: App, visit: Visit) -> None:
    page = visit(slow_app.url)
    ask(page, "Why is the sky so blue above the sea today?")
    page.locator(".syscard.rag .src summary").click()
    wait_ended(page)
    page.wait_for_timeout(300)
    assert page.locator(".syscard.rag .src[open]").count() == 1 and page.locator(".syscard.rag .cite").count() == 1


@pytest.mark.parametrize("how", ["button", "escape"])
def test_stop_keeps_what_was_written_and_writes_no_more(slow_app: App, visit: Visit, how: str) -> None:
    page = visit(slow_app.url)
    ask(page, STORY)
    wait_writing(page)
    shown = page.evaluate(STOP[how])  # reads and acts in one step: what is written afterwards came after the click
    clicked = time.monotonic()
    wait_ended(page)
    idle = time.monotonic() - clicked
    kept = [len(text.split()) - 1 for text in texts(page)]  # less the dots that say that it goes on
    print(f"\nstop by {how}: idle after {idle:.2f} s, words at the click {shown}, kept {kept}")
    assert states(page) == ["stopped"] * 3 and idle < 2
    assert all(0 <= late - early <= 2 for early, late in zip(shown, kept, strict=True))  # 1, and 1 on its way


def test_a_reload_keeps_the_settings_and_the_comparison(app: App, visit: Visit) -> None:
    page = visit(app.url)
    page.get_by_role("button", name="Run settings").click()
    page.get_by_label("Base (Base model, no retrieval)").check()
    page.get_by_label("Keywords only").first.check()
    page.wait_for_selector(".syscard.base")
    page.wait_for_timeout(500)
    ask(page, HEADACHE)
    wait_ended(page)
    before, run = texts(page), run_id(page)
    assert len(before) == 4 and f"run={run}" in page.url
    page.reload()
    page.wait_for_selector("#run_line")
    page.wait_for_timeout(500)
    assert texts(page) == before and page.locator("#question textarea").input_value() == HEADACHE
    page.goto(app.url)
    page.wait_for_selector(".syscard.base")
    page.get_by_role("button", name="Run settings").click()
    assert page.get_by_label("Keywords only").first.is_checked()
    page.get_by_role("button", name="Back to defaults").click()
    page.wait_for_selector(".syscard.base", state="hidden")
    page.reload()
    page.wait_for_selector(".syscard.rag")
    page.wait_for_timeout(800)
    assert not page.locator(".syscard.base").is_visible()


def test_a_link_shows_the_comparison_to_someone_else(app: App, visit: Visit) -> None:
    page = visit(app.url)
    ask(page, HEADACHE)
    wait_ended(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#share_btn").click()
    page.wait_for_selector("text=Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    other = visit(link)
    other.wait_for_selector("#run_line")
    assert texts(other) == texts(page) and other.locator("#question textarea").input_value() == HEADACHE


def test_an_unknown_link_is_a_sentence(app: App, visit: Visit) -> None:
    assert "There is no saved comparison" in problem(visit(f"{app.url}/?run=nothing"))


def test_history_opens_an_earlier_question(app: App, visit: Visit) -> None:
    page = visit(app.url)
    for question in (HEADACHE, "What does Dr. Okoro treat?"):
        ask(page, question)
        wait_ended(page)
        page.wait_for_timeout(300)
    with page.expect_response(lambda reply: "/predict" in reply.url and "data-run" in reply.text()):
        page.get_by_text("Earlier questions").click()
    wait_drawn(page)  # the list is drawn anew when it opens, and a click on the old one is lost
    page.locator("ol.history a", has_text=HEADACHE).first.click()
    page.wait_for_function(f"document.querySelector('#question textarea').value === '{HEADACHE}'")
    assert states(page) == ["done"] * 3 and run_id(page) in page.url


def test_two_visitors_take_turns(slow_app: App, visit: Visit) -> None:
    first, second, third = (visit(slow_app.url) for _ in range(3))
    ask(first, STORY)
    wait_writing(first)
    ask(second, HEADACHE)
    second.wait_for_function("/queue: 1\\/1/.test(document.querySelector('#place').innerText)")
    ask(third, HEADACHE)
    third.wait_for_function("/queue: 2\\/2/.test(document.querySelector('#place').innerText)")
    third.locator("#cancel_btn").click()
    third.wait_for_selector("#run_btn", state="visible")
    assert states(second) == ["waiting"] * 3 and states(third) == []
    first.locator("#stop_btn").click()
    wait_writing(second, words=1)
    second.locator("#stop_btn").click()
    wait_ended(second)


def test_closing_the_tab_frees_the_machine(slow_app: App, visit: Visit) -> None:
    page = visit(slow_app.url)
    ask(page, STORY)
    wait_writing(page)
    page.close()
    time.sleep(2)
    cpu = slow_app.cpu_seconds()
    time.sleep(2)
    used = slow_app.cpu_seconds() - cpu
    print(f"\nprocessor time in the 2 s that begin 2 s after the tab was closed: {used:.2f} s")
    assert used < 0.5


def test_the_keyboard_is_enough(app: App, visit: Visit) -> None:
    page = visit(app.url)
    page.locator("body").press("Tab")
    page.locator("#theme_toggle").focus()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.type(HEADACHE)
    page.keyboard.press("Control+Enter")
    wait_ended(page)
    page.locator(".syscard.rag .src summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".syscard.rag .src[open]").count() == 1
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    open_tab(page, "Documents")
    page.get_by_role("tab", name="Compare").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#run_btn", state="visible")


def test_states_are_spoken_not_tokens(app: App, visit: Visit) -> None:
    page = visit(app.url)
    page.evaluate(
        "() => { window.spoken = []; new MutationObserver(() => window.spoken.push("
        "document.querySelector('#spoken [role=status]').textContent)).observe("
        "document.querySelector('#spoken'), {childList: true, subtree: true, characterData: true}); }"
    )
    ask(page, HEADACHE)
    wait_ended(page)
    page.wait_for_timeout(300)
    spoken = list(dict.fromkeys(page.evaluate("window.spoken")))
    assert spoken[-1] == "RAG: Done. Fine-tuned: Done. Hybrid: Done." and 2 < len(spoken) < 15


@pytest.mark.parametrize(
    ("question", "words"), [("   ", "Type a question first."), ("x" * 100_000, "has 100,000 characters; at most 4,000")]
)
def test_a_question_that_cannot_be_asked_is_told_why(app: App, visit: Visit, question: str, words: str) -> None:
    page = visit(app.url)
    ask(page, question)
    assert words in problem(page)
    ask(page, HEADACHE)
    wait_ended(page)
    assert states(page) == ["done"] * 3 and page.locator("#problem .problem").count() == 0


def test_without_documents_the_retrieving_arms_say_so_and_the_other_answers(
    visit: Visit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with App(tmp_path_factory.mktemp("empty"), "--no-demo") as app:
        page = visit(app.url)
        ask(page, HEADACHE)
        wait_ended(page)
        assert states(page) == ["failed", "done", "failed"]
        assert "Add documents first" in texts(page)[0]
        open_tab(page, "Documents")
        assert "Nothing yet" in page.locator("#documents").inner_text()
