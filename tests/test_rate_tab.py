"""The Rate tab's handlers: blind until the vote, kept once, shut to visitors of a public demo, errors as sentences."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from ragft_core import Settings, Studio
from ragft_core.ratings import RatingError, Study
from ragft_core.testing import EchoEngine, OnePageIndex
from ragft_ui import study_items
from ragft_ui.rate_tab import RateTab
from ragft_ui.rating_desk import vote_of
from ragft_ui.results_view import tidy

from .test_ratings import asked

ARMS = ("wombat", "numbat", "quoll")
VISIT = SimpleNamespace(username=None, query_params={}, session_hash="s")


@pytest.fixture
def build(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., RateTab]]:
    """A Rate tab over a home with `n` saved comparisons."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(home / "downloads"))  # as app.py sets it
    studios: list[Studio] = []

    def made(n: int = 0, **settings: Any) -> RateTab:
        studio = Studio(Settings.load(home=home, demo=False, **settings), engine=EchoEngine(), retrieval=OnePageIndex())
        studios.append(studio)
        studio.store._writer.execute("PRAGMA synchronous = OFF")
        for number in range(n):
            studio.store.save_comparison(asked(number))
        with gr.Blocks():
            return RateTab(studio)

    yield made
    for studio in studios:
        studio.close()


def study(tab: RateTab, n: int = 4, arms: tuple[str, ...] = ARMS, **options: Any) -> Study:
    return tab.ratings.create("Is the wombat best?", [asked(i, arms) for i in range(n)], **options)[0]


def event(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


def act(tab: RateTab, made: Study, rater: str, **said: Any) -> dict[Any, Any]:
    return tab.desk.act(made.id, rater, VISIT, event(**said))


def words(update: dict[Any, Any]) -> str:
    """Everything that an update sends to the browser."""
    return " ".join(str(value.get_config() if hasattr(value, "get_config") else value) for value in update.values())


def place(update: dict[Any, Any], tab: RateTab) -> int:
    found = re.search(r"data-place='(-?\d+)'", update[tab.desk.sheet])
    assert found
    return int(found[1])


# ---------------------------------------------------------------- rating


def test_200_ratings_through_the_page_name_nobody_and_balance_positions(build: Callable[..., RateTab]) -> None:
    tab = build()
    made, telling = study(tab, 50, raters=1), (*ARMS, "zebra", "quokka", "is the", "c00")
    for rater in ("ann", "bea", "cat", "dan"):
        sent = tab.desk.enter(made.id, None, VISIT) | tab.desk.join(made.id, rater, True, VISIT)
        for n in range(50):
            assert not [word for word in telling if word in words(sent)], n
            assert place(sent, tab) == n
            sent = act(tab, made, rater, act="vote", place=n, choice="ABC"[n % 3], key=f"key-{n:05}", seconds=1.5)
        assert place(sent, tab) == -1
    ratings = tab.ratings.ledger.ratings(made.id)
    first = Counter(rating.order[0] for rating in ratings)
    assert len(ratings) == 200 and all(53 <= first[arm] <= 80 for arm in ARMS)  # 95 % of chance; ours is balanced


def test_a_retry_counts_once_and_a_change_of_mind_is_a_version(build: Callable[..., RateTab]) -> None:
    tab = build()
    made = study(tab)
    tab.desk.join(made.id, "ann", False, VISIT)
    for _ in range(3):
        act(tab, made, "ann", act="vote", place=0, choice="A", key="key-00001")
    act(tab, made, "ann", act="vote", place=0, choice="B", key="key-00002", scores={"A": {"correct": 2}}, note="so")
    (kept,) = tab.ratings.ledger.ratings(made.id)
    assert kept.choice == "B" and kept.edits == 1 and len(tab.ratings.ledger.history(made.id)) == 2
    back = act(tab, made, "ann", act="open", to=0)
    assert "aria-pressed='true' class=chosen>B" in back[tab.desk.sheet].replace("\n", "") and ">so</textarea>" in words(
        back
    )


def test_skip_undo_and_next_lead_on(build: Callable[..., RateTab]) -> None:
    tab = build()
    made = study(tab)
    tab.desk.join(made.id, "ann", False, VISIT)
    skipped = act(tab, made, "ann", act="skip", place=0, key="key-00001", flagged=True, note="broken")
    assert place(skipped, tab) == 1 and "skipped" in skipped[tab.desk.sheet]
    assert tab.ratings.ledger.ratings(made.id)[0].flags == ("flagged",)
    assert place(act(tab, made, "ann", act="undo", key="key-00002"), tab) == 0
    assert place(act(tab, made, "ann", act="next"), tab) == 0
    assert "nothing to undo" in words(act(tab, made, "ann", act="undo", key="key-00003"))


def test_reveal_only_where_the_study_allows_and_after_the_vote(build: Callable[..., RateTab]) -> None:
    tab = build()
    shows, hides = study(tab, reveal=True), study(tab)
    for made, told in ((shows, True), (hides, False)):
        joined = tab.desk.join(made.id, "ann", False, VISIT)
        assert "wombat" not in words(joined)
        voted = act(tab, made, "ann", act="vote", place=0, choice="A", key="key-00001")
        assert ("wombat" in words(voted)) is told
    assert "cannot be changed" in words(act(tab, shows, "ann", act="vote", place=0, choice="B", key="key-00002"))


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"act": "sing"},
        {"act": "open"},
        {"act": "open", "to": "0"},
        {"act": "vote", "place": 0, "key": "key-00001"},
        {"act": "vote", "place": 99, "choice": "A", "key": "key-00001"},
        {"act": "vote", "place": 0, "choice": "A"},
        {"act": "vote", "place": 0, "choice": "A", "key": 7},
        {"act": "vote", "place": 0, "choice": "A", "key": "key-00001", "scores": {"A": 3}},
        {"act": "vote", "place": 0, "choice": "A", "key": "key-00001", "scores": {"A": {"correct": 9}}},
        {"act": "vote", "place": 0, "choice": "A", "key": "key-00001", "flags": "told"},
        {"act": "vote", "place": 0, "choice": "A", "key": "key-00001", "seconds": "soon"},
        {"act": "skip", "place": None, "key": "key-00001"},
    ],
)
def test_what_no_page_of_ours_sends_is_refused_with_a_sentence(
    build: Callable[..., RateTab], said: dict[str, Any]
) -> None:
    tab = build()
    made = study(tab)
    tab.desk.join(made.id, "ann", False, VISIT)
    told = act(tab, made, "ann", **said)
    assert "class='problem'" in told[tab.desk.problem] and "went wrong" not in told[tab.desk.problem]
    assert tab.desk.sheet not in told and tab.ratings.ledger.ratings(made.id) == []


def test_the_door_asks_for_consent_and_a_name_and_a_browser_that_sat_down_goes_on(
    build: Callable[..., RateTab],
) -> None:
    tab = build()
    made = study(tab, consent="All is kept.")
    door = tab.desk.enter(made.id, {"study": "other", "rater": "ann"}, VISIT)
    assert "All is kept." in door[tab.desk.welcome] and door[tab.desk.sheet] == ""
    assert "agree to it" in words(tab.desk.join(made.id, "ann", False, VISIT))
    assert "Type a name" in words(tab.desk.join(made.id, " ", True, VISIT))
    seated = tab.desk.join(made.id, "ann", True, VISIT)
    assert seated[tab.desk.kept] == {"study": made.id, "rater": "ann"}
    act(tab, made, "ann", act="vote", place=0, choice="A", key="key-00001")
    assert place(tab.desk.enter(made.id, seated[tab.desk.kept], VISIT), tab) == 1
    other = tab.desk.stand_up(made.id, VISIT)
    assert other[tab.desk.kept] is None and other[tab.desk.sheet] == other[tab.desk.rater] == ""
    tab.ratings.set_open(made.id, False)
    closed = tab.desk.enter(made.id, seated[tab.desk.kept], VISIT)
    assert "is closed" in words(closed) and "is closed" in words(tab.desk.enter(made.id, None, VISIT))
    assert "no study" in words(tab.desk.enter("nope", None, VISIT))


def test_who_is_logged_in_rates_under_that_name_only(build: Callable[..., RateTab]) -> None:
    tab = build()
    made, login = study(tab), SimpleNamespace(username="ann")
    tab.desk.join(made.id, "somebody else", False, login)
    tab.desk.act(made.id, "bea", login, event(act="vote", place=0, choice="A", key="key-00001"))
    (rater,) = tab.ratings.ledger.raters(made.id)
    assert (rater.id, rater.auth) == ("ann", "login") and len(tab.ratings.ledger.ratings(made.id, "ann")) == 1


def test_a_link_leads_to_the_desk_and_brings_no_title(build: Callable[..., RateTab]) -> None:
    tab = build(3)
    made = study(tab)
    with gr.Blocks() as page:
        with gr.Tabs() as tabs, gr.Tab("x", id="x") as one:
            pass
        tab.wire_page(page, tabs, one)
    visit = SimpleNamespace(username=None, query_params={"study": made.id})
    sent = tab.arrive(None, visit)
    assert sent[tabs].selected == "rate" and sent[tab.list] == "" and "wombat" not in words(sent)
    assert tab.look(made.id, "") == {tab.problem: ""}
    assert "Is the wombat best?" in tab.look("", "")[tab.list]
    assert tab.arrive(None, VISIT) == {tab.problem: ""}


# ---------------------------------------------------------------- the owner


FORM: dict[str, Any] = {
    "title": "Mine",
    "latest": 0,
    "arms": ["rag", "tuned"],
    "criteria": ["style"],
    "options": ["Ask which answer had read documents (gives a blinding index)"],
    "raters": 2,
    "overlap": 0.5,
    "repeats": 0,
    "instructions": " Judge. ",
    "consent": "",
}


def test_a_study_is_made_of_saved_comparisons(build: Callable[..., RateTab]) -> None:
    tab = build(6)
    seen = tab.form.refresh()
    assert "6 saved comparisons can be judged" in seen[tab.form.found]
    said, _ = tab.form.create(**FORM)
    assert "Made with 6 items." in said
    made = tab.ratings.studies()[0]
    assert (made.title, made.arms, made.raters, made.overlap) == ("Mine", ("rag", "tuned"), 2, 0.5)
    assert made.ask_guess and not made.show_evidence and made.instructions == "Judge."
    assert [criterion.key for criterion in made.criteria] == ["style"]
    assert "Made with 2 items." in tab.form.create(**FORM | {"latest": 2})[0]
    assert "at least two arms" in tab.form.create(**FORM | {"arms": ["rag"]})[0]
    assert "nothing to judge" in tab.form.create(**FORM | {"arms": ["rag", "base"]})[0]
    told = tab.form.create(**FORM | {"instructions": "RAG reads, others do not."})[0]
    assert "may give an arm away" in told and "&ldquo;RAG&rdquo;" in told


def test_items_can_be_left_out_sorted_and_marked_as_gold(build: Callable[..., RateTab]) -> None:
    tab = build(6)
    table = tab.form.refresh()[tab.form.items]
    assert table.count("<tr data-id=") == 6 and "value='tuned'>Fine-tuned is best" in table and "listed" not in table
    marks: list[dict[str, Any]] = [{"id": f"c{n:03}", "use": n != 5, "category": "", "gold": ""} for n in range(6)]
    marks[0] |= {"category": " prices ", "gold": "tuned"}
    marks[1] |= {"gold": "bad"}
    assert "Made with 5 items." in tab.form.create(**FORM, marks=marks)[0]
    items = {item.id: (item.category, item.gold) for item in tab.ratings.items(tab.ratings.studies()[0].id)}
    assert items == {"c000": ("prices", "tuned"), "c001": ("", "bad")} | {f"c00{n}": ("", "") for n in (2, 3, 4)}
    assert tab.form.put_away() == {tab.form.items: ""}


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ([{"id": "c000", "gold": "hybrid"}], "no arm, tie or bad"),
        ([{"id": "c000", "category": "x" * 61}], "longer than 60"),
        ([{"id": 7}], "cannot be read"),
        ([7], "cannot be read"),
        ([{"id": f"c{n:03}", "use": False} for n in range(3)], "nothing to judge"),
    ],
)
def test_marks_that_do_not_fit_are_refused(build: Callable[..., RateTab], marks: list[Any], said: str) -> None:
    tab = build(3)
    assert said in tab.form.create(**FORM, marks=marks)[0] and tab.ratings.studies() == []


def test_a_long_list_shows_the_newest_and_says_so() -> None:
    html = study_items.table([asked(n) for n in range(study_items.SHOWN + 1)], ["rag", "tuned"])
    assert html.count("<tr data-id=") == study_items.SHOWN and "older ones are taken as they are" in html
    assert study_items.table([], []) == ""
    hostile = replace(asked(0), question="<b>'\"", setup={"category": "<i>"})
    assert "<b>&#x27;" not in study_items.table([hostile], []) and "<i>" not in study_items.table([hostile], [])


def test_a_judges_verdicts_come_in_through_the_results(build: Callable[..., RateTab], tmp_path: Path) -> None:
    tab = build()
    made, path = study(tab), tmp_path / "judge.csv"
    tab.desk.join(made.id, "ann", False, VISIT)
    act(tab, made, "ann", act="vote", place=0, choice="A", key="key-00001")
    path.write_text("item_id,winner\n" + "".join(f"c{n:03},wombat\n" for n in range(4)))
    said, _ = tab.view.take_judge(made.id, str(path))
    assert "verdicts of an LLM judge" in said and "4 added" in said and not path.exists()
    html = tab.view.read(made.id)
    assert "LLM judges beside people" in html and "1 of 4" in html and "1 rating of 1 item by 1 rater" in html
    assert "Choose a file" in tab.view.take_judge(made.id, None)[0]
    assert "<td class='num hide-sm'>1</td><td class='num'>1</td>" in tab.list_studies()


def test_who_joined_and_has_not_voted_yet_is_listed(build: Callable[..., RateTab]) -> None:
    tab = build()
    made = study(tab)
    tab.desk.join(made.id, "bea", False, VISIT)
    html = tab.view.read(made.id)
    assert "Ratings will be counted here" in html and "bea" in html and "0 of 4" in html


def test_without_comparisons_the_page_says_what_to_do(build: Callable[..., RateTab]) -> None:
    tab = build()
    assert "Ask questions in Compare first" in tab.form.refresh()[tab.form.found]
    assert "nothing to judge" in tab.form.create(**FORM)[0]


def test_results_close_reopen_and_the_list(build: Callable[..., RateTab]) -> None:
    tab = build()
    made = study(tab)
    assert "data-act='close'" in tab.list_studies()
    closed = tab.act(None, VISIT, event(act="close", study=made.id))
    assert "data-act='reopen'" in closed[tab.list] and not tab.ratings.study(made.id).is_open
    tab.act(None, VISIT, event(act="reopen", study=made.id))
    assert tab.ratings.study(made.id).is_open
    opened = tab.act(None, VISIT, event(act="results", study=made.id))
    assert opened[tab.view.study] == made.id and "Ratings will be counted here" in tab.view.read(made.id)
    assert "unknown" in words(tab.act(None, VISIT, event(act="burn", study=made.id)))
    assert "no study" in tab.view.read("nope") and tab.view.read("") == ""


@pytest.mark.parametrize("kind", ["ratings.csv", "pairs.csv", "pairs.jsonl", "ratings.jsonl"])
def test_exports_lie_in_downloads_under_a_name_that_cannot_be_guessed(build: Callable[..., RateTab], kind: str) -> None:
    tab = build()
    made = study(tab)
    tab.desk.join(made.id, "=ann", False, VISIT)
    act(tab, made, "=ann", act="vote", place=0, choice="A", key="key-00001", note="secret")
    tab.studio.home.downloads.mkdir(exist_ok=True)
    button, said = tab.view.export(made.id, kind, False)
    path = Path(button.value["path"] if isinstance(button.value, dict) else button.value)
    assert path.is_relative_to(tab.studio.home.downloads) and re.fullmatch(r"[0-9a-f]{32}", path.parent.name)
    assert path.name.endswith(kind.rpartition(".")[2]) and path.name in said
    text = path.read_text("utf-8-sig")
    assert ("secret" in text) is (kind == "ratings.jsonl")
    if kind == "ratings.csv":
        (row,) = csv.DictReader(io.StringIO(text))
        assert row["rater_id"] == "'=ann" and row["position_1"] == row["winner"]
    tidy(tab.studio.home.downloads / "exports")
    assert path.exists()


def test_what_was_exported_can_be_imported(build: Callable[..., RateTab], tmp_path: Path) -> None:
    tab = build()
    made = study(tab)
    tab.desk.join(made.id, "ann", False, VISIT)
    act(tab, made, "ann", act="vote", place=0, choice="A", key="key-00001")
    path = tmp_path / "ratings.csv"
    tab.ratings.export(path, made.id)
    said, _ = tab.form.import_file(str(path))
    assert "1 were there already" in said and "1 study" in said and not path.exists()
    path.write_text("question,arm,answer\nWhy?,one,Because\nWhy?,two,Why not\n")
    how = (["style"], ["Show the reference answer"], 2, 0.5, 0.0, " Judge. ", "Kept.")
    assert "answers to be judged" in tab.form.import_file(str(path), *how)[0]
    new = tab.ratings.studies()[0]
    assert (new.raters, new.overlap, new.instructions, new.consent) == (2, 0.5, "Judge.", "Kept.")
    assert [c.key for c in new.criteria] == ["style"] and new.show_reference and not new.show_evidence
    path.write_text("a,b\n1,2\n")
    assert "no file this can import" in tab.form.import_file(str(path))[0]
    assert "Choose a file" in tab.form.import_file(None)[0]


def test_visitors_of_a_public_demo_rate_and_do_nothing_else(build: Callable[..., RateTab], tmp_path: Path) -> None:
    tab = build(3, public=True)
    made, file = study(tab), tmp_path / "answers.csv"
    file.write_text("question,arm,answer\nWhy?,one,Because\nWhy?,two,Why not\n")
    told = [tab.form.create(**FORM)[0], tab.form.import_file(str(file))[0], tab.view.read(made.id)]
    told += [words(tab.act(None, VISIT, event(act=act, study=made.id))) for act in ("close", "reopen", "results")]
    assert all("public demo" in one and "wombat" not in one for one in told)
    for export in (lambda: tab.view.export_csv(made.id), lambda: tab.view.export(made.id, "pairs.csv", True)):
        with pytest.raises(gr.Error, match="public demo"):
            export()
    assert tab.list_studies() == "" and "wombat" not in words(tab.open_lobby())
    assert [one.id for one in tab.ratings.studies()] == [made.id] and tab.ratings.study(made.id).is_open
    sent = tab.desk.join(made.id, "ann", False, VISIT)
    assert place(sent, tab) == 0


def test_a_vote_of_the_wrong_shape_is_refused() -> None:
    for said in ({"scores": [1]}, {"scores": {"A": 1}}, {"flags": [1]}, {"flags": "told"}):
        with pytest.raises(RatingError, match="cannot be read"):
            vote_of(said)
    assert vote_of({"choice": "A"}).scores == {}


def test_every_event_of_the_tab_is_private(build: Callable[..., RateTab]) -> None:
    tab = build()
    with gr.Blocks() as page:
        inner = RateTab(tab.studio)
        with gr.Tabs() as tabs, gr.Tab("x", id="x") as one:
            pass
        inner.wire_page(page, tabs, one)
    assert {fn.api_visibility for fn in page.fns.values()} == {"private"}
