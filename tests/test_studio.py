from pathlib import Path

import pytest

from ragft_core import HomeError, NotFoundError, QuestionError, Settings, Studio
from ragft_core.testing import EchoEngine, OnePageIndex


def test_the_last_snapshot_is_saved(studio: Studio) -> None:
    *_, last = studio.ask("Why is the sky blue?")
    assert last.done and studio.comparison(last.id) == last
    assert [saved.id for saved in studio.history()] == [last.id]


def test_setup_records_what_is_needed_to_repeat_it(studio: Studio) -> None:
    *_, last = studio.ask("Why?", max_new_tokens=5, seed=3)
    assert {"app_version", "prompt_version", "base_model", "precision", "adapter", "adapter_sha256"} <= set(last.setup)
    assert {"index_id", "index_sha256", "embedding_model", "top_k", "search_mode"} <= set(last.setup)
    assert (last.setup["max_new_tokens"], last.setup["temperature"], last.setup["seed"]) == (5, 0.0, 3)


def test_greedy_twice_is_equal(studio: Studio) -> None:
    texts = [[answer.text for answer in list(studio.ask("Why?"))[-1].answers] for _ in range(2)]
    assert texts[0] == texts[1]


def test_a_reader_that_leaves_ends_generation_and_keeps_the_text(studio: Studio) -> None:
    stream = studio.ask("one two three four five six")
    for _ in range(6):
        snapshot = next(stream)
    stream.close()
    saved = studio.comparison(snapshot.id)
    assert studio.engine.closed == 1 and {answer.state for answer in saved.answers} == {"stopped"}
    assert saved.answers[0].text


@pytest.mark.parametrize(
    ("question", "wishes", "part"),
    [
        ("", {}, "Type a question first"),
        ("  \n ", {}, "Type a question first"),
        (None, {}, "Type a question first"),
        ("x" * 100_000, {}, "100,000 characters"),
        ("Why?", {"max_new_tokens": 10**9}, "max_new_tokens must be"),
        ("Why?", {"max_new_tokens": 0}, "max_new_tokens must be"),
        ("Why?", {"max_new_tokens": 1.5}, "max_new_tokens must be"),
        ("Why?", {"max_new_tokens": True}, "max_new_tokens must be"),
        ("Why?", {"top_k": -1}, "top_k must be"),
        ("Why?", {"top_k": "many"}, "top_k must be"),
        ("Why?", {"temperature": float("nan")}, "temperature must be"),
        ("Why?", {"seed": -3}, "seed must be"),
        ("Why?", {"arms": ["rag", "magic"]}, "no arm 'magic'"),
        ("Why?", {"arms": []}, "No arm is chosen"),
        ("Why?", {"search_mode": "psychic"}, "search mode 'psychic'"),
    ],
)
def test_no_request_gets_more_than_the_limits(studio: Studio, question, wishes: dict, part: str) -> None:
    with pytest.raises(QuestionError, match=part):
        studio.ask(question, **wishes)


def test_arms_come_in_their_fixed_order(studio: Studio) -> None:
    *_, last = studio.ask("Why?", ["hybrid", "base"])
    assert [answer.arm for answer in last.answers] == ["base", "hybrid"]


def test_an_unknown_comparison_is_a_sentence(studio: Studio) -> None:
    with pytest.raises(NotFoundError, match="no saved comparison 'nope'"):
        studio.comparison("nope")


def test_one_home_has_one_studio(studio: Studio, settings: Settings) -> None:
    with pytest.raises(HomeError, match="in use by process"):
        Studio(settings, engine=EchoEngine(), retrieval=OnePageIndex())


def test_warming_ends_ready(studio: Studio) -> None:
    assert studio.status().state == "starting"
    studio.warm()
    status = studio.status()
    assert (status.state, status.model, status.adapter) == ("ready", "echo", "clinic-raft")


def test_warming_that_fails_says_why(home: Path) -> None:
    settings = Settings.load(home=home, demo=False, model=str(home / "no-model"))
    with Studio(settings, retrieval=OnePageIndex()) as studio:
        studio.warm()
        status = studio.status()
    assert status.state == "failed" and "no-model" in status.message


def test_search_needs_no_engine(settings: Settings) -> None:
    with Studio(settings, retrieval=OnePageIndex()) as studio:
        passages, seconds = studio.timed_search("Why?", 1, None)
    assert passages[0].source == "sky.md" and seconds >= 0
