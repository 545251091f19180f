import json

from ragft_core import ARMS, DEFAULT_ARMS, Answer, Comparison, Passage
from ragft_core.types import comparison_from_json, to_json

SAVED = Comparison(
    "abc",
    "Why?",
    (
        Answer(
            "rag", "Because [1].", "done", (Passage("p", "t", "s.md", 0.5, "T", 3, {"dense": 0.5}),), (1,), seconds=1.5
        ),
        Answer("tuned", error="No adapter.", state="failed"),
    ),
    setup={"seed": 0},
    created="2026-01-01T00:00:00+00:00",
)


def test_a_comparison_survives_json() -> None:
    assert comparison_from_json(json.loads(json.dumps(to_json(SAVED)))) == SAVED


def test_the_json_has_the_fields_of_the_contract() -> None:
    data = to_json(SAVED)
    assert {"id", "question", "answers", "reference", "setup", "created"} <= set(data)
    wanted = {"arm", "text", "passages", "cited", "prompt_tokens", "tokens", "first_token_seconds", "seconds", "done"}
    assert wanted | {"error"} <= set(data["answers"][0])
    assert {"id", "text", "source", "page", "score"} <= set(data["answers"][0]["passages"][0])
    assert [row["done"] for row in data["answers"]] == [True, True]


def test_a_newer_version_s_fields_are_dropped() -> None:
    data = to_json(SAVED) | {"mood": "good"}
    data["answers"][0]["colour"] = "teal"
    assert comparison_from_json(data) == SAVED


def test_the_four_arms_are_two_switches() -> None:
    assert {(arm.retrieves, arm.adapted): arm.key for arm in ARMS} == {
        (False, False): "base",
        (True, False): "rag",
        (False, True): "tuned",
        (True, True): "hybrid",
    }
    assert set(DEFAULT_ARMS) < {arm.key for arm in ARMS}
