"""The Rate tab in a browser: a study by keyboard, on a phone, resumed, exported, read; axe; nothing told too early."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from ragft_core import Settings, Studio
from ragft_core.ratings import Ratings, Study, Vote
from ragft_core.testing import EchoEngine, OnePageIndex
from tests.test_ratings import asked

from .test_look import AXE, RULES, RUN_AXE, SIDEWAYS

SHOTS = Path(__file__).parent / "shots"
SHEET = "() => { const s = document.querySelector('.sheet'); return s ? [s.dataset.place, s.dataset.state] : null; }"


@pytest.fixture(scope="module")
def rating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A served page over twelve saved comparisons, without weights."""
    folder = tmp_path_factory.mktemp("rating")
    (folder / "tmp").mkdir()
    patch = pytest.MonkeyPatch()
    patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    patch.setenv("GRADIO_TEMP_DIR", str(folder / "home" / "downloads"))
    patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    import ragft_ui

    settings = Settings.load(home=folder / "home", demo=False, port=0)
    with Studio(settings, engine=EchoEngine(), retrieval=OnePageIndex()) as studio:
        for n in range(12):
            studio.store.save_comparison(asked(n))
        studio.warm()
        page = ragft_ui.build(studio)
        yield SimpleNamespace(url=ragft_ui.launch(page, studio), studio=studio, desk=Ratings(studio.store))
        page.close(verbose=False)
    patch.undo()


def study(rating: SimpleNamespace, n: int = 4, **options: Any) -> Study:
    options = {"consent": "Kept.", "instructions": "Judge **well**."} | options
    return rating.desk.create("RAG against the rest", [asked(i) for i in range(n)], **options)[0]


def follow(visit: Callable[..., Any], rating: SimpleNamespace, made: Study, theme: str = "light", **look: Any) -> Any:
    page = visit(rating.url, theme=theme, **look)
    page.goto(f"{rating.url}/?study={made.id}&__theme={theme}")
    return page


def enter(visit: Callable[..., Any], rating: SimpleNamespace, made: Study, name: str, **look: Any) -> Any:
    """Follow the study's link and start, by keyboard."""
    page = follow(visit, rating, made, **look)
    page.wait_for_selector("#rate_name input, #rate_name textarea", state="visible")
    if made.consent:
        page.locator("#rate_agree input").focus()
        page.keyboard.press("Space")
    page.locator("#rate_name input, #rate_name textarea").focus()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    wait_sheet(page, 0)
    page.locator("body").press("Escape")
    page.evaluate("document.activeElement.blur()")
    return page


def wait_sheet(page: Any, place: int, state: str = "open") -> None:
    page.wait_for_function(
        f"() => {{ const s = document.querySelector('.sheet'); return s && !s.hasAttribute('aria-busy') && "
        f"s.dataset.place === '{place}' && s.dataset.state === '{state}'; }}"
    )
    page.wait_for_timeout(150)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_whole_study_by_keyboard_alone(rating: SimpleNamespace, visit: Callable[..., Any], width: int) -> None:
    made = study(rating)
    page = enter(visit, rating, made, "ann", width=width, height=844 if width < 600 else 900)
    page.screenshot(path=SHOTS / f"rate-light-{width}.png", full_page=True)
    page.keyboard.press("1")
    wait_sheet(page, 1)
    assert page.evaluate("document.activeElement.className") == "rq"
    page.keyboard.press("4")  # there is no fourth answer
    page.keyboard.press("0")
    wait_sheet(page, 2)
    page.keyboard.press("s")
    wait_sheet(page, 3)
    page.keyboard.press("u")
    wait_sheet(page, 2)
    page.keyboard.press("9")
    wait_sheet(page, 3)
    score(page)
    page.keyboard.press("3")
    wait_sheet(page, -1, "finished")
    assert "You judged 4 of 4 items" in page.locator(".sheet").inner_text()
    kept = {r.place: r for r in rating.desk.ledger.ratings(made.id)}
    assert [kept[n].choice for n in range(4)] == ["A", "tie", "bad", "C"] and kept[3].note == "because 1"
    assert kept[3].scores == {kept[3].order[1]: {"correct": 4}} and kept[3].confidence == 3
    assert kept[3].seconds is not None and kept[3].flags == ("told",)


def score(page: Any) -> None:
    """By keyboard: open the matrix, score B's correctness, be sure, write a note, say that one could tell."""
    page.locator(".more summary").focus()
    page.keyboard.press("Enter")
    page.locator("input[name=s-B-correct]").first.focus()
    page.keyboard.press("4")
    page.locator("input[name=confidence]").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator("textarea[name=note]").focus()
    page.keyboard.type("because 1")
    page.keyboard.press("Escape")
    page.locator("input[name=told]").focus()
    page.keyboard.press("Space")


def test_a_reload_resumes_and_an_earlier_vote_can_be_changed(
    rating: SimpleNamespace, visit: Callable[..., Any]
) -> None:
    made = study(rating)
    page = enter(visit, rating, made, "bea")
    page.keyboard.press("2")
    wait_sheet(page, 1)
    page.reload()
    wait_sheet(page, 1)
    page.locator(".earlier summary").click()
    page.locator(".earlier button").first.click()
    wait_sheet(page, 0, "again")
    assert page.locator(".votes .chosen").inner_text().startswith("B is best")
    page.keyboard.press("3")
    wait_sheet(page, 1)
    (kept,) = rating.desk.ledger.ratings(made.id)
    assert kept.choice == "C" and kept.edits == 1
    page.locator("input[name=keys]").uncheck()
    page.keyboard.press("1")
    page.wait_for_timeout(600)
    assert page.evaluate(SHEET) == ["1", "open"] and len(rating.desk.ledger.ratings(made.id)) == 1


def test_a_double_click_is_one_rating_and_a_lost_answer_can_be_sent_again(
    rating: SimpleNamespace, visit: Callable[..., Any]
) -> None:
    made = study(rating)
    page = enter(visit, rating, made, "cat")
    page.locator("[data-choice=B]").dblclick()
    wait_sheet(page, 1)
    page.wait_for_timeout(800)
    assert [(r.place, r.choice) for r in rating.desk.ledger.ratings(made.id)] == [(0, "B")]
    assert len(rating.desk.ledger.history(made.id)) == 1


def test_what_the_browser_received_before_a_vote_names_nobody(
    rating: SimpleNamespace, visit: Callable[..., Any]
) -> None:
    arms = ("wombat", "numbat", "quoll")  # the page itself speaks of RAG and Hybrid, to everybody
    made = rating.desk.create("Is the wombat best?", [asked(n, arms) for n in range(6)], consent="Kept.")[0]
    page = visit(rating.url)
    heard: list[str] = []
    page.on("response", lambda answer: heard.append(answer.url + body(answer)) if "gradio_api" in answer.url else None)
    page.goto(f"{rating.url}/?study={made.id}")
    page.wait_for_selector("#rate_name", state="visible")
    page.locator("#rate_agree input").check()
    page.locator("#rate_name input, #rate_name textarea").fill("dan")
    page.locator("#rate_start").click()
    for place in range(6):
        wait_sheet(page, place)
        heard.append(page.locator("#rating_desk").inner_html())
        page.keyboard.press("1")
    wait_sheet(page, -1, "finished")
    page.wait_for_timeout(500)
    told = " ".join(heard)
    assert "Question 3?" in told and len(heard) > 12
    for word in (*arms, "zebra", "quokka", "is the", *(f"c{n:03}" for n in range(6))):
        assert word not in told.lower(), word


def body(answer: Any) -> str:
    try:
        return answer.text()
    except Exception:  # noqa: BLE001 - a stream that is still open has no text yet; the DOM is read too
        return ""


def test_reveal_comes_after_the_vote_and_is_final(rating: SimpleNamespace, visit: Callable[..., Any]) -> None:
    made = study(rating, 2, reveal=True, consent="")
    page = enter(visit, rating, made, "eve")
    assert "Hybrid" not in page.locator(".sheet").inner_text()
    page.keyboard.press("1")
    wait_sheet(page, 0, "revealed")
    text = page.locator(".sheet").inner_text()
    assert all(f"This was {label}" in text for label in ("RAG", "Fine-tuned", "Hybrid"))
    page.screenshot(path=SHOTS / "rate-revealed.png", full_page=True)
    page.keyboard.press("Enter")
    wait_sheet(page, 1)
    page.keyboard.press("u")
    page.wait_for_selector("#rate_problem .problem")
    assert "cannot be changed" in page.locator("#rate_problem").inner_text()


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (320, "dark")])
def test_a_phone(rating: SimpleNamespace, visit: Callable[..., Any], width: int, theme: str) -> None:
    made = study(rating, 2, ask_guess=True)
    page = enter(visit, rating, made, f"fay {width}", width=width, height=844, theme=theme)
    page.evaluate("document.querySelectorAll('.sheet details').forEach((one) => { one.open = true; })")
    page.wait_for_timeout(300)
    assert page.evaluate(SIDEWAYS) <= 0
    heights = [one.bounding_box()["height"] for one in page.locator(".votes button").all()]
    assert len(heights) == 5 and min(heights) >= 48
    card, beside = (page.locator(".ballotcards > *").nth(n).bounding_box() for n in (0, 1))
    assert card["y"] == beside["y"] and 0.75 * width < card["width"] < 0.95 * width
    page.screenshot(path=SHOTS / f"rate-phone-{width}.png", full_page=True)
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(RUN_AXE, RULES) == []
    page.locator("[data-choice=tie]").tap()
    wait_sheet(page, 1)
    assert page.evaluate(SIDEWAYS) <= 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_owner_makes_reads_and_exports_a_study(
    rating: SimpleNamespace, visit: Callable[..., Any], theme: str
) -> None:
    page = visit(rating.url, theme=theme)
    page.get_by_role("tab", name="Rate").click()
    page.wait_for_selector("#make_study", state="visible")
    page.locator("#study_options button").first.click()
    page.get_by_label("Title").fill(f"My study {theme}")
    mark_items(page)
    page.wait_for_timeout(600)
    clean(page, f"lobby-{theme}")
    page.locator("#make_study").click()
    page.wait_for_selector("#study_said >> text=Made with 11 items.")
    page.wait_for_selector(f"#studies >> text=My study {theme}")
    made = next(one for one in rating.desk.studies() if one.title == f"My study {theme}")
    marked = {item.id: (item.category, item.gold) for item in rating.desk.items(made.id) if item.category or item.gold}
    assert sorted(marked.values()) == [("", "rag"), ("prices", "")] and len(rating.desk.items(made.id)) == 11
    judge(rating, made)
    page.locator(f"#studies [data-act=rate][data-study='{made.id}']").click()
    page.wait_for_selector("#rate_door", state="visible")
    assert f"study={made.id}" in page.url and "My study" not in page.locator(".tabitem:visible").inner_text()
    page.wait_for_timeout(400)
    clean(page, f"door-{theme}")
    page.locator("#leave_btn").click()
    page.wait_for_selector(f"#studies [data-study='{made.id}']")
    assert "study=" not in page.url
    page.locator(f"#studies [data-act=results][data-study='{made.id}']").click()
    page.wait_for_selector(".verdict")
    page.wait_for_timeout(500)
    judge_and_plots(page, rating, made, theme)
    clean(page, f"results-{theme}")
    with page.expect_download() as waiting:
        page.locator("#export_csv").click()
    data = Path(waiting.value.path()).read_bytes()
    assert waiting.value.suggested_filename.startswith("ratings-") and data.startswith(b"\xef\xbb\xbf")
    assert data.count(made.id.encode()) == 32  # 22 ratings of people, 10 verdicts
    with page.expect_download() as waiting:
        page.locator("#export_csv").click()
    assert Path(waiting.value.path()).read_bytes() == data
    page.locator("#results_back").click()
    page.wait_for_selector("#import_btn", state="visible")
    again = {"name": "ratings.csv", "mimeType": "text/csv", "buffer": data}
    page.locator("#import_card input[type=file]").set_input_files(again)
    page.wait_for_selector("#import_said >> text=32 were there already")


def mark_items(page: Any) -> None:
    """In the table of items: one is left out, one gets a category, one is an attention check."""
    page.locator("#study_items summary").click()
    rows = page.locator("#study_items tr[data-id]")
    assert rows.count() == 12
    rows.nth(0).locator("input[type=checkbox]").uncheck()
    rows.nth(1).locator("input[type=text]").fill("prices")
    rows.nth(2).locator("select").select_option("rag")


def judge_and_plots(page: Any, rating: SimpleNamespace, made: Study, theme: str) -> None:
    """Take in a judge's verdicts, read how it leans, and save the plots."""
    items = [item.id for item in rating.desk.items(made.id) if not item.gold]
    rows = ["item_id,winner,judge", *(f"{item},rag,gpt-x" for item in items), "nowhere,rag,gpt-x"]
    page.locator("#judge_card button").first.click()
    file = {"name": "judge.csv", "mimeType": "text/csv", "buffer": "\n".join(rows).encode()}
    page.locator("#judge_card input[type=file]").set_input_files(file)
    page.wait_for_selector("#judge_said >> text=1 row left out (no such item)")
    page.wait_for_selector("#results_body >> text=LLM judges beside people")
    page.wait_for_timeout(500)
    for name, kind in (("ranking", "svg"), ("ranking", "png"), ("judge-1", "svg"), ("positions", "png")):
        with page.expect_download() as waiting:
            page.locator(f".saves[data-name={name}] [data-save={kind}]").click()
        assert waiting.value.suggested_filename == f"{name}-{theme}.{kind}"
        data = Path(waiting.value.path()).read_bytes()
        (SHOTS / f"plot-{name}-{theme}.{kind}").write_bytes(data)
        if kind == "png":
            assert data.startswith(b"\x89PNG") and int.from_bytes(data[16:20]) == 1520 and len(data) > 5000
            continue
        root = ElementTree.fromstring(data)
        assert b"var(" not in data and root.tag == "{http://www.w3.org/2000/svg}svg"
        ground = root.find("{http://www.w3.org/2000/svg}rect")
        assert ground is not None and ground.get("fill") == {"light": "#ffffff", "dark": "#111827"}[theme]


def test_answers_made_elsewhere_and_arena_pairs_come_in_through_the_page(
    rating: SimpleNamespace, visit: Callable[..., Any]
) -> None:
    page = visit(rating.url)
    page.get_by_role("tab", name="Rate").click()
    page.wait_for_selector("#import_btn", state="visible")
    answers = "question,arm,answer,category,gold\n" + "".join(
        f"Why {n}?,{arm},Because of {arm[::-1]},{'odd' if n % 2 else ''},{'emu' if n == 3 else ''}\n"
        for n in range(4)
        for arm in ("emu", "yak")
    )
    bring(page, "elsewhere.csv", answers)
    page.wait_for_selector("#import_said >> text=answers to be judged")
    made = next(one for one in rating.desk.studies() if one.title.startswith("elsewhere"))
    assert made.is_open and made.consent and made.instructions and len(made.criteria) == 4
    assert {i.id: i.gold for i in rating.desk.items(made.id) if i.gold} == {"Why 3?": "emu"}
    page.locator(f"#studies [data-act=rate][data-study='{made.id}']").click()
    page.locator("#rate_agree input").check()
    page.locator("#rate_name input, #rate_name textarea").fill("ida")
    page.locator("#rate_start").click()
    wait_sheet(page, 0)
    assert page.locator("#study_items").count() == 0
    page.locator("#leave_btn").click()
    pairs = "question_id,model_a,model_b,winner,judge\n" + "1,emu,yak,model_a,x\n2,yak,emu,tie,x\n"
    bring(page, "battles.csv", pairs)
    page.wait_for_selector("#import_said >> text=Imported arena pairs: 1 study, 2 items, 2 added")
    bring(page, "nonsense.csv", "a,b\n1,2\n")
    page.wait_for_selector("#import_said .problem")


def bring(page: Any, name: str, text: str) -> None:
    page.wait_for_selector("#import_btn", state="visible")
    file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    page.locator("#import_card input[type=file]").set_input_files(file)


def clean(page: Any, name: str) -> None:
    """Nothing for axe to find; a picture to look at."""
    page.screenshot(path=SHOTS / f"rate-{name}.png", full_page=True)
    page.evaluate(AXE.read_text("utf-8"))
    assert json.dumps(page.evaluate(RUN_AXE, RULES), indent=1) == "[]"


def judge(rating: SimpleNamespace, made: Study) -> None:
    """Two raters; hybrid is best as a rule."""
    for rater in ("gus", "hal"):
        rating.desk.join(made.id, rater, consent=True)
        while ballot := rating.desk.next_ballot(made.id, rater):
            turn = rating.desk._queue(made.id, rater)[ballot.place]
            best = ballot.letters[turn.order.index("hybrid")] if ballot.place % 4 else "A"
            scores = {letter: {"correct": 3 + (letter == best), "style": 4} for letter in ballot.letters}
            vote = Vote(best, scores, 2, "B", ("told",) if ballot.place == 3 else (), "", 5.0 + ballot.place)
            rating.desk.vote(made.id, rater, ballot.place, vote, f"key-{ballot.place:06}")
