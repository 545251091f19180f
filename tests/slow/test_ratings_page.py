"""Votes over plain HTTP, as a browser sends them: kept through kill -9, and blind in everything that was received."""

import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from ragft_core import Settings, Studio
from ragft_core.ratings.tallies import wilson
from ragft_core.testing import EchoEngine, OnePageIndex
from tests.browser.running import App
from tests.posting import Caller
from tests.test_ratings import asked

pytestmark = pytest.mark.slow
ARMS = ("wombat", "numbat", "quoll")  # the page itself speaks of RAG and Hybrid, to everybody
TELLING = (*ARMS, "zebra", "quokka", "item-of-")  # arms (and the title), model, adapter, saved comparisons
KILLS = 3


@pytest.fixture
def studio(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Studio]]:
    """Opens a weightless Studio on the home; what is still open is closed in the end."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(home / "downloads"))
    opened: list[Studio] = []

    def make() -> Studio:
        settings = Settings.load(home=home, demo=False, port=0)
        opened.append(Studio(settings, engine=EchoEngine(), retrieval=OnePageIndex()))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def vote(caller: Caller, study: str, rater: str, place: int, choice: str) -> str:
    said = {"act": "vote", "place": place, "choice": choice, "key": f"click-{place:05}", "seconds": 4.0}
    return caller.post("run", caller.number("act", "RatingDesk"), [study, rater], said)


def join(caller: Caller, study: str, rater: str) -> str:
    return caller.post("run", caller.number("join", "RatingDesk"), [study, rater, True])


def numbers(folder: Path) -> gr.Blocks:
    """The same page as the killed process serves, for the numbers of its functions."""
    import ragft_ui

    with Studio(Settings.load(home=folder / "other", demo=False), engine=EchoEngine(), retrieval=OnePageIndex()) as one:
        return ragft_ui.build(one)


def test_a_vote_that_the_page_took_outlives_kill_9(home: Path, tmp_path: Path, studio: Callable[[], Studio]) -> None:
    made = studio()
    study = made.ratings.create("t", [asked(n) for n in range(KILLS + 1)])[0]
    made.close()
    page = numbers(tmp_path)
    for n in range(KILLS):
        with App(tmp_path, command=("-m", "tests.browser.slow_app")) as app:
            caller = Caller(app.url, page)
            caller.get("/config")
            assert f"data-place='{n}'" in join(caller, study.id, "ann"), "it goes on where the killed one stopped"
            if n:
                vote(caller, study.id, "ann", n - 1, "ABC"[(n - 1) % 3])  # the page does not know that it arrived
            assert f"data-place='{n + 1}'" in vote(caller, study.id, "ann", n, "ABC"[n % 3])
            app.process.send_signal(signal.SIGKILL)
            app.process.wait(30)
            caller.close()
    with studio() as again:
        kept = sorted((r.place, r.choice) for r in again.ratings.ledger.ratings(study.id))
        assert kept == [(n, "ABC"[n % 3]) for n in range(KILLS)]
        assert len(again.ratings.ledger.history(study.id)) == KILLS


def test_200_ratings_over_http_are_blind_balanced_and_a_lean_to_one_place_is_called_out(
    home: Path, studio: Callable[[], Studio]
) -> None:
    """Four raters of 50 items, of whom all like what stands first; nothing that they received names an arm or model."""
    import ragft_ui

    open_studio = studio()
    study = open_studio.ratings.create(
        "Is the wombat best?", [replace(asked(n, ARMS), id=f"item-of-{n}") for n in range(50)]
    )[0]
    page = ragft_ui.build(open_studio)
    url = ragft_ui.launch(page, open_studio)
    chance = random.Random(3)
    for rater in ("ann", "bea", "cat", "dan"):
        caller = Caller(url, page)
        caller.get(f"/?study={study.id}")
        caller.get("/config")
        join(caller, study.id, rater)
        for place in range(50):
            vote(caller, study.id, rater, place, chance.choices("ABC", (0.6, 0.2, 0.2))[0])
        told = " ".join(caller.heard).lower()
        assert "question 49?" in told and [word for word in TELLING if word in told] == []
        caller.close()
    page.close(verbose=False)
    ratings = open_studio.ratings.ledger.ratings(study.id)
    assert len(ratings) == 200
    for position in range(3):
        for arm, n in Counter(rating.order[position] for rating in ratings).items():
            share = wilson(n, 200)
            assert share.low is not None and share.low <= 1 / 3 <= share.high, (position, arm, n)
    found = open_studio.ratings.results(study.id)
    assert found.positions.biased and "Position A won more often" in found.positions.sentence
    assert found.ranking.verdict.winner is None
