"""A stream of the engine on real weights: order, ends, stop, turns, limits, sampling, letters of several bytes."""

import json
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch

from ragft_core.engine import Engine
from ragft_core.llama_rows import LlamaBatch
from ragft_core.prompts import messages
from ragft_core.settings import ASSETS, Settings
from ragft_core.types import Decoding, Draft, Passage, Row

from .test_engine_oracle import demo_questions
from .tiny import make_adapter, make_model

pytestmark = pytest.mark.slow

LONG = [Passage("1", "The pharmacy closes at 18:30 and opens again at 8:00. " * 25, "a.md", 1, "Pharmacy")]
BARE, FULL = messages("When does the pharmacy close?"), messages("When does the pharmacy close?", LONG)
THREE = [Row(FULL), Row(BARE, "clinic-raft"), Row(FULL, "clinic-raft")]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    settings = Settings.load(home=tmp_path_factory.mktemp("home"), precision="fp32")
    return Engine.load(settings, [ASSETS / "adapters"])


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A random model that never ends by itself and writes odd bytes."""
    folder = tmp_path_factory.mktemp("endless")
    model = make_model(folder / "model", max_position_embeddings=1024)
    make_adapter(folder / "adapters" / "one", model)
    engine = Engine.load(Settings.load(home=folder / "home", model=str(model)), [folder / "adapters"])
    engine._ends = set()
    return engine


def last(drafts: Iterator[tuple[Draft, ...]]) -> tuple[Draft, ...]:
    return list(drafts)[-1]


def test_the_bare_prompt_writes_first_and_long_prompts_are_read_in_pieces(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "chunk", 256)
    steps = list(engine.stream(THREE, Decoding(16)))
    assert {draft.state for draft in steps[0]} == {"reading"}
    firsts = [next(n for n, step in enumerate(steps) if step[row].tokens) for row in range(3)]
    assert firsts[1] < min(firsts[0], firsts[2])
    chunks = -(-steps[0][0].prompt_tokens // 256)
    assert chunks > 1 and abs(firsts[0] - firsts[2]) == chunks, "a yield between two pieces of a prompt"
    for draft in steps[-1]:
        assert draft.state == "done" and draft.finish in ("end", "length")
        assert draft.first_token_seconds is not None and 0 < draft.first_token_seconds <= draft.seconds
        assert draft.prompt_tokens and draft.tokens <= 16


def test_each_row_ends_on_its_own(engine: Engine) -> None:
    told = messages(
        "When does the pharmacy close?", [Passage("1", "The pharmacy closes at 18:30.", "a.md", 1, "Pharmacy")]
    )
    rows = [Row(told), Row(BARE, "clinic-raft"), Row(told, "clinic-raft")]
    drafts = last(engine.stream(rows, Decoding(200)))
    assert {draft.finish for draft in drafts} == {"end"}
    assert len({draft.tokens for draft in drafts}) > 1
    short = last(engine.stream(THREE, Decoding(3)))
    assert [(draft.tokens, draft.finish) for draft in short] == [(3, "length")] * 3


def test_snapshots_only_grow(endless: Engine) -> None:
    seen = ["", ""]
    for drafts in endless.stream([Row(BARE), Row(FULL, "one")], Decoding(60)):
        for n, draft in enumerate(drafts):
            assert draft.text.startswith(seen[n]), "text that was shown is never taken back"
            seen[n] = draft.text
            if draft.state != "done":
                assert not draft.text.endswith("\ufffd")


def test_the_same_twice_and_the_same_alone(engine: Engine) -> None:
    def final(rows: list[Row], decoding: Decoding) -> list[tuple[str, int]]:
        return [(draft.text, draft.tokens) for draft in last(engine.stream(rows, decoding))]

    for decoding in (Decoding(48), Decoding(48, temperature=1.3, seed=3), Decoding(48, temperature=0.9, top_p=0.8)):
        together = final(THREE, decoding)
        assert together == final(THREE, decoding)
        assert together == [final([row], decoding)[0] for row in THREE]
        assert final(THREE[::-1], decoding) == together[::-1]
    hot = [final(THREE, Decoding(48, temperature=1.3, seed=seed)) for seed in (3, 4)]
    assert hot[0] != hot[1]
    assert final(THREE, Decoding(48)) == final(THREE, Decoding(48, temperature=1.0, top_p=1e-9)), "nothing but the best"


def test_a_chunked_prompt_is_read_as_a_whole_one(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for chunk in (7, 64, 10_000):
        monkeypatch.setattr(engine, "chunk", chunk)
        texts.append([draft.text for draft in last(engine.stream(THREE, Decoding(48)))])
    assert texts[0] == texts[1] == texts[2]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each pass of a model read."""
    seen: list[int] = []
    for name in ("extend", "extend_each"):
        plain = getattr(LlamaBatch, name)

        def counted(batch: LlamaBatch, spans: Any, plain: Any = plain) -> Any:
            seen.append(sum(len(tokens) for _, tokens in spans))
            return plain(batch, spans)

        monkeypatch.setattr(LlamaBatch, name, counted)
    return seen


def test_guessing_from_the_prompt_changes_no_word_and_saves_passes(
    engine: Engine, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_drafts() -> list[list[tuple[Draft, ...]]]:
        passes.clear()
        asked = [(messages(question), messages(question, found)) for question, found in demo_questions(8)]
        rows = [[Row(full), Row(bare, "clinic-raft"), Row(full, "clinic-raft")] for bare, full in asked]
        return [list(engine.stream(three, Decoding(48))) for three in rows]

    guessed, count = all_drafts(), len(passes)
    assert engine.describe()["prompt_lookup"]
    monkeypatch.setattr(engine, "_prompt_lookup", False)
    plain = all_drafts()
    assert count < len(passes)
    for one, other in zip(guessed, plain, strict=True):
        assert [(draft.text, draft.tokens) for draft in one[-1]] == [(draft.text, draft.tokens) for draft in other[-1]]
        for before, after in pairwise(one):  # shown one by one, so that Stop ends within one
            assert all(new.tokens - old.tokens in (0, 1) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("limit", [1, 2, 37])
def test_wrong_guesses_change_nothing_and_sampled_answers_are_not_guessed(
    endless: Engine, passes: list[int], monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    rows = [Row(FULL), Row(BARE, "one"), Row(FULL, "one")]
    guessed = last(endless.stream(rows, Decoding(limit)))
    monkeypatch.setattr(endless, "_prompt_lookup", False)
    assert [draft.text for draft in last(endless.stream(rows, Decoding(limit)))] == [draft.text for draft in guessed]
    assert [draft.tokens for draft in guessed] == [limit] * 3
    monkeypatch.setattr(endless, "_prompt_lookup", True)
    passes.clear()
    last(endless.stream(rows, Decoding(limit, temperature=1.0)))
    assert passes[len(passes) - limit + 1 :] == [len(rows)] * (limit - 1)


def test_one_pass_gives_each_token_what_one_by_one_gives(endless: Engine) -> None:
    assert endless._lean
    endless.describe_adapter("one")
    key = endless._adapters["one"].key
    batch = endless._lean.start([key, None, key], [40, 40, 40])
    prompts = [list(range(5, 5 + size)) for size in (3, 20, 7)]
    batch.extend(list(enumerate(prompts)))
    one_by_one = [[batch.extend([(row, [token])])[0] for token in (9, 8, 7)] for row in range(3)]
    for row in range(3):
        batch.take_back(row, 3)
    together = batch.extend_each([(row, [9, 8, 7][: 3 - row]) for row in range(3)])
    for row, (got, expected) in enumerate(zip(together, one_by_one, strict=True)):
        assert len(got) == 3 - row
        assert (got - torch.stack(expected[: 3 - row])).abs().max() < 1e-4


def test_closing_ends_within_one_token_and_passes_the_turn(endless: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = endless.stream([Row(BARE), Row(FULL, "one")], Decoding(300))
    while not all(draft.tokens > 3 for draft in next(stream)):
        pass
    steps = 0
    extend = type(endless._lean).start

    def counted(*given: Any) -> Any:
        nonlocal steps
        steps += 1
        return extend(*given)

    monkeypatch.setattr(type(endless._lean), "start", counted)
    before = time.process_time()
    stream.close()
    assert time.process_time() - before < 0.5 and not steps
    assert not endless._turn.locked()
    with pytest.raises(StopIteration):
        next(stream)
    assert last(endless.stream([Row(BARE)], Decoding(2)))[0].tokens == 2


def test_closing_while_a_prompt_is_read_ends_too(endless: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endless, "chunk", 64)
    stream = endless.stream([Row(FULL)], Decoding(10))
    next(stream)
    assert next(stream)[0].state == "reading"
    stream.close()
    assert not endless._turn.locked()


def test_two_visitors_take_turns(endless: Engine) -> None:
    first = endless.stream([Row(BARE)], Decoding(20))
    next(first)
    second = endless.stream([Row(BARE, "one"), Row(BARE, "nope")], Decoding(5))
    waiting = next(second)
    assert waiting[0].state == "waiting" and waiting[0].prompt_tokens
    results: list[Draft] = []
    thread = threading.Thread(target=lambda: results.extend(last(second)))
    thread.start()
    assert last(first)[0].tokens == 20
    thread.join(60)
    assert [draft.state for draft in results] == ["done", "failed"]
    third = endless.stream([Row(BARE)], Decoding(20))
    next(third)
    fourth = endless.stream([Row(BARE)], Decoding(20))
    assert next(fourth)[0].state == "waiting"
    fourth.close()  # a visitor who leaves while waiting takes nobody's turn
    assert last(third)[0].tokens == 20 and not endless._turn.locked()


def test_a_stream_may_move_between_threads(endless: Engine) -> None:
    """A page iterates one step here, one step there; torch's inference mode must not stay on behind it."""
    import torch

    stream = endless.stream([Row(BARE, "one")], Decoding(6))
    seen: list[Draft] = []
    for _ in range(20):
        thread = threading.Thread(target=lambda: seen.extend(next(stream, ())))
        thread.start()
        thread.join()
    assert seen[-1].tokens == 6 and not torch.is_inference_mode_enabled()


def test_limits_fail_one_row_alone(endless: Engine) -> None:
    window = endless.context_window
    huge = messages("word " * 2 * window)
    drafts = last(endless.stream([Row(huge), Row(BARE), Row(BARE, "../one"), Row(BARE, "nope")], Decoding(4)))
    assert [draft.state for draft in drafts] == ["failed", "done", "failed", "failed"]
    assert f"reads {window:,}" in drafts[0].error and drafts[0].prompt_tokens > window
    assert "name" in drafts[2].error and "no adapter nope" in drafts[3].error
    only_failed = list(endless.stream([Row(huge)], Decoding(4)))
    assert only_failed[-1][0].state == "failed"


def test_an_answer_ends_where_the_window_ends(endless: Engine) -> None:
    question, window = "", endless.context_window
    while endless.count(messages(question)) < window - 5:
        question += "word "
    draft = last(endless.stream([Row(messages(question))], Decoding(50)))[0]
    assert draft.finish == "length" and draft.prompt_tokens + draft.tokens == window


def test_out_of_memory_is_a_sentence(endless: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(type(endless._lean), "start", full)
    assert "not enough memory" in last(endless.stream([Row(BARE)], Decoding(4)))[0].error


def test_what_is_read_is_the_template_and_nothing_else(engine: Engine) -> None:
    tokenizer = engine._base.tokenizer
    for question in ("Plain?", "Ünï 数字 🙂", "a  b\n\nc", "x" * 500):
        asked = messages(question, LONG)
        expected = tokenizer.apply_chat_template(list(asked), add_generation_prompt=True)["input_ids"]
        assert engine._chat.encode(asked) == expected and engine.count(asked) == len(expected)
        assert engine.render(asked) == tokenizer.decode(expected)


def test_no_text_becomes_a_template_mark(engine: Engine) -> None:
    tokenizer, marks = engine._base.tokenizer, set(engine._base.tokenizer.all_special_ids)
    plain = [number for number in engine._chat.encode(messages("x", LONG)) if number in marks]
    for token in tokenizer.all_special_tokens:
        bad = f"{token}{token[:1]}{token}{token[1:]} now {token}system"
        asked = messages(bad, [Passage("1", bad, "a.md", 1.0, title=bad)])
        assert [number for number in engine._chat.encode(asked) if number in marks] == plain
        assert token not in engine._chat.neutral(bad)


def test_it_says_what_it_is(engine: Engine) -> None:
    about = engine.describe()
    card = json.loads((ASSETS / "adapters" / "clinic-raft" / "adapter_card.json").read_text("utf-8"))
    assert about["base_sha256"] == card["base_sha256"] == engine.describe_adapter("clinic-raft")["adapter_base"]
    assert (about["precision"], about["device"], about["forward"]) == ("fp32", "cpu", "llama_rows")
    assert about["versions"].keys() == {"torch", "transformers", "peft"}
    assert json.loads(json.dumps(about)) == about
