"""Ballots, study lists and results as HTML: blind, safe, complete, in plain words."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ragft_core.ratings import CRITERIA, Ballot, Evidence, Item, Progress, Rating, Study, Vote
from ragft_core.ratings.results import Results, results
from ragft_core.types import Answer, Comparison
from ragft_ui import render_rate, render_results

from .test_render import PAYLOADS

PROGRESS = Progress(24, 3, 1, 600.0)
ARMS = ("rag", "tuned", "hybrid")


def ballot(**fields: Any) -> Ballot:
    given = {
        "place": 4,
        "total": 24,
        "question": "Why?",
        "reference": "Because.",
        "evidence": (Evidence("Sky", "The sky is blue."), Evidence("Grass", "Green.")),
        "answers": ("One **bold**.", "Two [1].", "Three."),
        "criteria": CRITERIA,
        "instructions": "Judge *well*.",
        "ask_guess": True,
    }
    return Ballot(**(given | fields))


class Tags(HTMLParser):
    """Every tag with its attributes; unclosed or crossed tags are faults."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("br", "hr", "input", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    found = Tags(html)
    assert found.faults == [] and found.open == [], (found.faults, found.open)
    return found.seen


# ---------------------------------------------------------------- the ballot


def test_a_sheet_offers_every_choice_with_its_key() -> None:
    html = render_rate.sheet(ballot(), PROGRESS, [(0, "A"), (1, "skip")])
    buttons = {a["data-choice"]: a["aria-keyshortcuts"] for tag, a in tags(html) if "data-choice" in a}
    assert buttons == {"A": "1", "B": "2", "C": "3", "tie": "0", "bad": "9"}
    acts = [a["data-act"] for _, a in tags(html) if "data-act" in a]
    assert acts == ["clear", "skip", "undo", "open", "open"]
    assert "Item <b>5</b> of 24" in html and "about 10 min left" in html and "<b>1</b> skipped" in html
    assert "the same for all three answers (2 passages)" in html and "<strong>bold</strong>" in html
    four = render_rate.sheet(ballot(answers=("a", "b", "c", "d")), PROGRESS, [])
    assert "D is best" in four and "all four answers" in four


def test_the_matrix_has_a_score_for_every_criterion_and_answer_in_words() -> None:
    seen = tags(render_rate.sheet(ballot(), PROGRESS, []))
    radios = [a for _, a in seen if (a.get("name") or "").startswith("s-")]
    assert len(radios) == 4 * 3 * 5 and radios[3]["aria-label"] == "4, Right but for a detail"
    html = render_rate.sheet(ballot(), PROGRESS, [])
    assert all(anchor in html for criterion in CRITERIA for anchor in criterion.anchors)
    assert "<table class='scores'>" not in render_rate.sheet(ballot(criteria=()), PROGRESS, [])


def test_an_earlier_vote_is_filled_in() -> None:
    vote = Vote("tie", {"B": {"correct": 4}}, 2, "C", ("told",), "close </textarea> call", 9.0)
    seen = tags(render_rate.sheet(ballot(vote=vote), PROGRESS, [(4, "tie")]))
    checked = {(a.get("name"), a.get("value")) for _, a in seen if "checked" in a}
    assert checked == {("s-B-correct", "4"), ("confidence", "2"), ("guess", "C"), ("told", None), ("keys", None)}
    assert [a["data-choice"] for _, a in seen if a.get("aria-pressed") == "true"] == ["tie"]
    assert [a["data-state"] for _, a in seen if "data-state" in a] == ["again"]


def test_answers_look_alike_until_they_are_revealed() -> None:
    html = render_rate.sheet(ballot(vote=Vote("A")), PROGRESS, [])
    cards = re.findall(r"<article class='([^']*)'>.*?<div class='s'>([^<]*)</div>", html)
    assert cards == [("syscard blind", "Name hidden")] * 3
    html = render_rate.sheet(ballot(vote=Vote("A")), PROGRESS, [], ("hybrid", "rag", "<b>x"))
    assert "This was Hybrid" in html and "This was &lt;b&gt;x" in html and "data-choice" not in html
    assert [a["data-act"] for _, a in tags(html) if "data-act" in a] == ["next"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_others_wrote_becomes_markup(payload: str) -> None:
    hostile = ballot(
        question=payload,
        reference=payload,
        evidence=(Evidence(payload, payload),),
        answers=(payload, payload),
        instructions=payload,
        vote=Vote("A", note=payload),
    )
    study = Study("s1", payload, (payload, "rag"), instructions=payload, consent=payload)
    html = render_rate.sheet(hostile, PROGRESS, []) + render_rate.sheet(hostile, PROGRESS, [], (payload, "rag"))
    html += render_rate.welcome(study, 3) + render_rate.study_list([(study, 1, 1, 1)])
    html += render_rate.finished(PROGRESS, [], payload) + page((payload, "rag"), payload)
    for tag, attributes in tags(html):
        assert tag not in ("script", "img", "iframe", "a", "style", "object", "embed", "link", "meta", "base")
        assert tag != "svg" or attributes["role"] == "img"  # our own plots
        assert not [name for name in attributes if name.startswith("on") or name in ("href", "src", "action")]


def test_the_welcome_never_says_the_title() -> None:
    study = Study("s1", "RAG beats tuning", ARMS, instructions="Judge.", consent="Kept.", reveal=True)
    html = render_rate.welcome(study, 3)
    assert "beats" not in html and "Kept." in html and "votes are final" in html and "3 questions" in html


def test_time_left_is_said_in_words() -> None:
    assert render_rate.time_left(Progress(9, 1, 0, None)) == "8 items left"
    assert render_rate.time_left(Progress(9, 8, 0, 20.0)) == "under a minute left"
    done = render_rate.finished(Progress(4, 3, 1, 0.0), [(0, "A")], "ann")
    assert "You judged 3 of 4 items" in done and "You skipped 1 item;" in done and "data-act='skip'" not in done


def test_the_list_offers_what_each_study_allows() -> None:
    rows = [
        (Study("a", "Open", ARMS), 3, 1, 2),
        (Study("b", "Closed", ARMS, is_open=False), 3, 1, 2),
        (Study("c", "Imported", ARMS, kind="pairs", is_open=False), 3, 1, 2),
    ]
    acts = [(a["data-study"], a["data-act"]) for _, a in tags(render_rate.study_list(rows)) if "data-act" in a]
    assert acts[:4] == [("a", "rate"), ("a", "results"), ("a", "link"), ("a", "close")]
    assert acts[4:] == [("b", "results"), ("b", "reopen"), ("c", "results")]
    assert "No study yet" in render_rate.study_list([])


# ---------------------------------------------------------------- results


def judged(arms: tuple[str, ...], n: int, best: str, text: str = "note") -> tuple[Study, list[Item], list[Rating]]:
    """Two raters and n items; `best` wins three times in four."""
    study = Study("s1", text, arms, ask_guess=True)
    items, said = [], []
    for i in range(n):
        answers = tuple(Answer(arm, f"text {i}", "done") for arm in arms)
        items.append(Item(f"i{i}", Comparison(f"i{i}", text, answers), "even" if i % 2 else ""))
        for rater in ("ann", text):
            order = arms[i % len(arms) :] + arms[: i % len(arms)]
            winner = best if i % 4 else order[-1]
            scores = {arm: {"correct": 3 + (arm == winner)} for arm in arms}
            flags = ("flagged", "told") if i == 1 else ()
            letter = "ABCD"[order.index(winner)]
            said.append(
                Rating(
                    f"{rater}{i}", "s1", rater, f"i{i}", order, letter, winner, 0, i, 0, scores, 2, "", flags, text, 5.0
                )
            )
    return study, items, said


def found(arms: tuple[str, ...] = ARMS, n: int = 32, text: str = "note") -> tuple[Study, Results]:
    study, items, said = judged(arms, n, arms[0], text)
    return study, results(study, items, said)


def page(arms: tuple[str, ...], text: str) -> str:
    study, said = found(arms, 6, text)
    return render_results.page(study, {"i1": text}, said)


def test_results_say_who_won_in_words_and_show_every_part() -> None:
    study, said = found()
    html = render_results.page(study, {"i1": "Why?"}, said)
    tags(html)
    assert "RAG is preferred to every other arm" in html and "times in 100" in html
    for part in ("Strength in log-odds", "won / neither", "Scores, 1 to 5", "By category", "Krippendorff", "position"):
        assert part.lower() in html.lower(), part
    assert "64 ratings of 32 items by 2 raters" in html and "Marked as faulty" in html and "Why?" in html
    places = [float(x) for x in re.findall(r"class='point' style='left:([\d.]+)%'", html)]
    whiskers = [(float(a), float(b)) for a, b in re.findall(r"whisker' style='left:([-\d.]+)%;width:([\d.]+)%", html)]
    assert places == sorted(places, reverse=True) and all(a >= 0 and a + b <= 100 for a, b in whiskers)


def test_results_of_few_ratings_promise_nothing() -> None:
    study, said = found(n=6)
    html = render_results.page(study, {}, said)
    assert "Too few" in html and "is preferred to every other arm" not in html
    empty = render_results.page(study, {}, results(study, judged(ARMS, 6, "rag")[1], []))
    assert "Ratings will be counted here" in empty
