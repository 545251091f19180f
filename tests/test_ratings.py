"""Studies, ballots and votes: balanced, blind, kept once, taken back, never changed behind the rater's back."""

import dataclasses
import json
import sqlite3
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ragft_core.errors import NotFoundError, RagftError
from ragft_core.ratings import Item, RatingError, Ratings, Study, Vote
from ragft_core.ratings.blind import orders, queue, shared_items, without_marks
from ragft_core.store import Store
from ragft_core.types import Answer, Comparison, Passage

PAGE = (Passage("p1", "The sky is blue.", "sky.md", 0.9, "The sky"), Passage("p2", "Grass is green.", "grass.md", 0.5))


def asked(n: int, arms: tuple[str, ...] = ("rag", "tuned", "hybrid")) -> Comparison:
    """A saved comparison whose texts say neither arm nor model; two of the arms read passages."""
    setup = {"base_model": "zebra-1b", "adapter": "quokka", "top_k": 4, "temperature": 0.0, "precision": "nf4"}
    answers = tuple(
        Answer(
            arm, f"Text {n}.{place} [1][2, 3].", "done", PAGE if arm in ("rag", "hybrid") else (), tokens=9, seconds=1.5
        )
        for place, arm in enumerate(arms)
    )
    return Comparison(
        f"c{n:03}", f"Question {n}?", answers, setup, f"Reference {n}", created="2026-01-01T00:00:00+00:00"
    )


def opened(path: Path) -> Store:
    """A store that does not wait for the disk; what survives a crash is the slow suite's matter."""
    store = Store(path)
    store._writer.execute("PRAGMA synchronous = OFF")
    return store


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Ratings]:
    store = opened(tmp_path / "ragft.sqlite")
    yield Ratings(store)
    store.close()


def made(desk: Ratings, n: int = 6, arms: tuple[str, ...] = ("rag", "tuned", "hybrid"), **options: Any) -> Study:
    return desk.create("A study", [asked(i, arms) for i in range(n)], **options)[0]


# ---------------------------------------------------------------- studies


def test_a_study_says_what_was_left_out(desk: Ratings) -> None:
    failed = dataclasses.replace(asked(1), answers=(*asked(1).answers[:2], Answer("hybrid", "", "failed", error="x")))
    study, left_out = desk.create("t", [asked(0), failed, asked(2)])
    assert left_out == {"c001": "no finished answer of hybrid"}
    assert [item.id for item in desk.items(study.id)] == ["c000", "c002"]
    assert desk.study(study.id) == study and desk.studies() == [study]


def test_arms_can_be_chosen_among_those_answered(desk: Ratings) -> None:
    study, _ = desk.create("t", [asked(0)], arms=("hybrid", "rag"))
    assert study.arms == ("hybrid", "rag")


@pytest.mark.parametrize(
    "options",
    [{"raters": 0}, {"overlap": 1.5}, {"repeats": -1}, {"gold": {"c000": "nobody"}}, {"arms": ("rag",)}],
    ids=str,
)
def test_a_study_out_of_its_limits_is_refused(desk: Ratings, options: dict[str, Any]) -> None:
    with pytest.raises(RatingError):
        desk.create("t", [asked(0)], **options)
    assert desk.studies() == []


def test_nothing_to_judge_and_no_such_study_are_sentences(desk: Ratings) -> None:
    with pytest.raises(RatingError, match="nothing to judge"):
        desk.create("t", [])
    with pytest.raises(NotFoundError):
        desk.study("nowhere")


def test_closed_studies_take_no_votes_and_reopen(desk: Ratings) -> None:
    study = made(desk)
    desk.join(study.id, "ann")
    desk.set_open(study.id, False)
    with pytest.raises(RatingError, match="closed"):
        desk.vote(study.id, "ann", 0, Vote("A"), "key-00001")
    desk.set_open(study.id, True)
    assert desk.vote(study.id, "ann", 0, Vote("A"), "key-00001").rated == 1


def test_consent_comes_before_the_first_ballot(desk: Ratings) -> None:
    study = made(desk, consent="Your name and votes are kept.")
    with pytest.raises(RatingError, match="agree"):
        desk.join(study.id, "ann")
    with pytest.raises(RatingError, match="Join"):
        desk.next_ballot(study.id, "ann")
    assert desk.join(study.id, "ann", consent=True).consented


# ---------------------------------------------------------------- blind order


def test_every_order_is_used_once_and_every_square_is_latin() -> None:
    for k in (2, 3, 4):
        squares = orders("abcd"[:k])
        lines = [line for square in squares for line in square]
        assert len(lines) == len(set(lines)) == {2: 2, 3: 6, 4: 24}[k]
        assert all(set(place) == set("abcd"[:k]) for square in squares for place in zip(*square, strict=True))


@pytest.mark.parametrize("k", [2, 3, 4])
def test_positions_are_balanced_for_every_rater(k: int) -> None:
    arms = ("base", "rag", "tuned", "hybrid")[:k]
    items = [Item(f"i{n}", asked(n, arms)) for n in range(50)]
    study = Study("s", "t", arms)
    seen = set()
    for rater in ("ann", "bob", "eve"):
        turns = queue(study, items, rater, 0)
        assert turns == queue(study, items, rater, 0)
        for position in range(k):
            counts = Counter(turn.order[position] for turn in turns)
            assert max(counts.values()) - min(counts.values()) <= 1  # 200 fair coins would differ by up to 28
        seen.add(tuple(turn.item for turn in turns))
    assert len(seen) == 3, "raters go through the items in different sequences"


def test_raters_share_a_part_and_split_the_rest() -> None:
    items = [Item(f"i{n}", asked(n), gold="rag" if n == 7 else "") for n in range(41)]
    study = Study("s", "t", ("rag", "tuned", "hybrid"), raters=3, overlap=0.25)
    queues = [{turn.item for turn in queue(study, items, f"r{slot}", slot)} for slot in range(4)]
    assert queues[0] & queues[1] == queues[1] & queues[2] == shared_items(study, items)
    assert len(shared_items(study, items)) == 11 and "i7" in shared_items(study, items)
    assert queues[0] | queues[1] | queues[2] == {item.id for item in items}
    assert queues[3] == queues[0], "a fourth rater starts at the first split again"


def test_repeats_come_at_the_end_and_far_from_the_first_showing() -> None:
    items = [Item(f"i{n}", asked(n)) for n in range(20)]
    turns = queue(Study("s", "t", ("rag", "tuned", "hybrid"), repeats=0.2), items, "ann", 0)
    again = [n for n, turn in enumerate(turns) if turn.showing]
    assert again == [20, 21, 22, 23]
    for n in again:
        assert n - [turn.item for turn in turns].index(turns[n].item) >= 10


# ---------------------------------------------------------------- what a page gets


def words(value: Any) -> str:
    return json.dumps(dataclasses.asdict(value)).lower()


def test_200_ballots_name_no_arm_model_adapter_or_comparison(desk: Ratings) -> None:
    study = made(desk, 50, gold={"c003": "rag"}, reveal=True, repeats=0.1)
    ballots, positions = 0, Counter[tuple[str, int]]()
    for rater in ("ann", "bob", "cid", "dee"):
        desk.join(study.id, rater)
        while (ballot := desk.next_ballot(study.id, rater)) is not None:
            for secret in ("rag", "tuned", "hybrid", "zebra", "quokka", "nf4", "c0", "[1]", "seconds", "tokens"):
                assert secret not in words(dataclasses.replace(ballot, criteria=())), secret
            with pytest.raises(RatingError):
                desk.reveal(study.id, rater, ballot.place)
            key = f"key-{ballots:05}"
            desk.vote(study.id, rater, ballot.place, Vote("ABC"[ballots % 3]), key)
            for n, arm in enumerate(desk.reveal(study.id, rater, ballot.place)):
                positions[arm, n] += 1
            ballots += 1
    assert ballots == 220
    assert all(abs(count - 220 / 3) < 1.96 * (220 * 2 / 9) ** 0.5 for count in positions.values())


def test_the_evidence_is_one_box_and_options_hide_it(desk: Ratings) -> None:
    study = made(desk)
    desk.join(study.id, "ann")
    ballot = desk.ballot(study.id, "ann", 0)
    assert [e.title for e in ballot.evidence] == ["The sky", "grass.md"] and ballot.letters == "ABC"
    bare = made(desk, show_evidence=False, show_reference=False, show_citations=True)
    desk.join(bare.id, "ann")
    ballot = desk.ballot(bare.id, "ann", 0)
    assert ballot.evidence == () and ballot.reference == "" and "[1]" in ballot.answers[0]


def test_citation_marks_go_and_other_brackets_stay() -> None:
    assert without_marks("Blue [1], green [2, 3][4]; x[i] and [sic] (1) [2-4].") == "Blue, green; x[i] and [sic] (1)."


def test_the_owner_is_told_of_words_that_give_an_arm_away(desk: Ratings) -> None:
    told = dataclasses.replace(asked(0), answers=(Answer("rag", "As zebra-1b I say", "done"), asked(0).answers[1]))
    study, _ = desk.create("t", [told], instructions="Is RAG better?")
    assert desk.telling_words(study.id) == [("answer to item c000", "zebra-1b"), ("the instructions", "RAG")]


# ---------------------------------------------------------------- votes


def test_double_click_retry_and_two_tabs_make_one_rating(desk: Ratings) -> None:
    study = made(desk)
    desk.join(study.id, "ann")
    threads = [
        threading.Thread(target=desk.vote, args=(study.id, "ann", 0, Vote("A", seconds=n), "same-key-1"))
        for n in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.vote(study.id, "ann", 0, Vote("A"), "other-tab-1")  # the same vote from another tab changes nothing
    assert len(desk.ledger.history(study.id)) == 1
    desk.vote(study.id, "ann", 0, Vote("B"), "other-tab-2")  # another choice is an edit of the one rating
    (rating,) = desk.ledger.ratings(study.id)
    assert rating.choice == "B" and rating.edits == 1 and rating.winner == rating.order[1]
    with pytest.raises(RatingError, match="key"):
        desk.vote(study.id, "ann", 1, Vote("A"), "same-key-1")


def test_skip_flag_undo_edit_resume(desk: Ratings) -> None:
    study = made(desk)
    desk.join(study.id, "ann")
    vote = Vote("C", {"A": {"style": 4}}, 2, "B", ("told",), "because", 12.5)
    desk.vote(study.id, "ann", 0, vote, "key-00000")
    desk.skip(study.id, "ann", 1, "key-00001", flagged=True, note="broken")
    assert desk.ballot(study.id, "ann", 0).vote == vote
    assert desk.seen(study.id, "ann") == [(0, "C"), (1, "skip")]
    again = Ratings(desk.ledger.store)  # a reload, another process
    ballot = again.next_ballot(study.id, "ann")
    assert ballot is not None and ballot.place == 2
    assert again.undo(study.id, "ann", "undo-0001") == 1 == again.undo(study.id, "ann", "undo-0001")
    ballot = again.next_ballot(study.id, "ann")
    assert ballot is not None and ballot.place == 1
    assert again.undo(study.id, "ann", "undo-0002") == 0
    assert again.undo(study.id, "ann", "undo-0003") is None
    assert again.progress(study.id, "ann").rated == 0
    assert again.skip(study.id, "ann", 0, "key-00009").skipped == 1
    assert len(again.ledger.history(study.id)) == 5, "every version is kept"


def test_who_has_seen_the_arms_cannot_vote_again(desk: Ratings) -> None:
    study = made(desk, reveal=True)
    desk.join(study.id, "ann")
    for _ in range(2):
        desk.vote(study.id, "ann", 0, Vote("A"), "key-00000")
    assert set(desk.reveal(study.id, "ann", 0)) == set(study.arms)
    with pytest.raises(RatingError, match="cannot be changed"):
        desk.vote(study.id, "ann", 0, Vote("B"), "key-00001")
    with pytest.raises(RatingError, match="cannot be changed"):
        desk.undo(study.id, "ann", "undo-0000")
    desk.skip(study.id, "ann", 1, "key-00002")
    assert desk.undo(study.id, "ann", "undo-0001") == 1
    with pytest.raises(RatingError, match="not before a vote"):
        desk.reveal(study.id, "ann", 1)


def test_time_left_follows_the_rater(desk: Ratings) -> None:
    study = made(desk, 10)
    desk.join(study.id, "ann")
    for place, seconds in enumerate((10.0, 20.0, 60.0)):
        progress = desk.vote(study.id, "ann", place, Vote("tie", seconds=seconds), f"key-0000{place}")
    assert (progress.total, progress.rated, progress.left, progress.seconds_left) == (10, 3, 7, 140.0)


@pytest.mark.parametrize(
    "vote",
    [
        *(Vote(choice) for choice in ("D", "", "rag", "skip", "a")),
        *(Vote("A", {"A": {"style": score}}) for score in (0, 6, True, 2.5)),
        Vote("A", {"D": {"style": 3}}),
        Vote("A", {"A": {"nonsense": 3}}),
        Vote("A", confidence=4),
        Vote("A", guess="rag"),
        Vote("A", flags=("repeat",)),
        Vote("A", seconds=float("nan")),
        Vote("A", seconds=-1.0),
        Vote("A", note="x" * 5000),
    ],
    ids=str,
)
def test_what_the_ballot_did_not_offer_is_refused(desk: Ratings, vote: Vote) -> None:
    study = made(desk)
    desk.join(study.id, "ann")
    with pytest.raises(RatingError):
        desk.vote(study.id, "ann", 0, vote, "key-00000")
    assert desk.ledger.ratings(study.id) == []


@pytest.mark.parametrize("place", [-1, 6, 10**9, None, "0", 1.0, True])
def test_a_place_outside_the_queue_is_refused(desk: Ratings, place: Any) -> None:
    study = made(desk)
    desk.join(study.id, "ann")
    with pytest.raises(RatingError):
        desk.vote(study.id, "ann", place, Vote("A"), "key-00000")


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", None, 5])
def test_a_rater_needs_a_name(desk: Ratings, name: Any) -> None:
    with pytest.raises(RatingError):
        desk.join(made(desk).id, name)


def test_rows_cannot_be_changed_or_removed(desk: Ratings) -> None:
    study = made(desk)
    desk.join(study.id, "ann")
    desk.vote(study.id, "ann", 0, Vote("A"), "key-00000")
    for sql in ("UPDATE ratings SET data = '{}'", "DELETE FROM ratings", "DELETE FROM studies"):
        with pytest.raises(sqlite3.IntegrityError, match="only added"), desk.ledger.store.writing() as db:
            db.execute(sql)


# ---------------------------------------------------------------- any sequence of acts


RATERS = st.sampled_from(["ann", "bob"])


class Judging(RuleBasedStateMachine):
    """Raters do anything in any sequence; a plain dictionary says what must be there."""

    @initialize()
    def start(self) -> None:
        self.store = self._store()
        self.desk = Ratings(self.store)
        self.study = made(self.desk, 4, repeats=0.25).id
        self.model: dict[tuple[str, int], str] = {}
        self.trail: dict[str, list[int]] = {"ann": [], "bob": []}
        self.keys = 0
        for rater in self.trail:
            self.desk.join(self.study, rater)

    def _store(self) -> Store:
        self.folder = tempfile.TemporaryDirectory()
        return opened(Path(self.folder.name) / "ragft.sqlite")

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys:05}"

    def _done(self, rater: str, place: int, choice: str) -> None:
        self.model[rater, place] = choice
        if place in self.trail[rater]:
            self.trail[rater].remove(place)
        self.trail[rater].append(place)

    @rule(rater=RATERS, place=st.integers(0, 4), choice=st.sampled_from(["A", "C", "tie", "bad"]))
    def vote(self, rater: str, place: int, choice: str) -> None:
        key = self.key()
        for _ in range(2):  # every click is sent twice
            self.desk.vote(self.study, rater, place, Vote(choice), key)
        if self.model.get((rater, place)) != choice:
            self._done(rater, place, choice)

    @rule(rater=RATERS, place=st.integers(0, 4))
    def skip(self, rater: str, place: int) -> None:
        self.desk.skip(self.study, rater, place, self.key())
        if (rater, place) not in self.model:
            self._done(rater, place, "skip")

    @rule(rater=RATERS)
    def undo(self, rater: str) -> None:
        expected = self.trail[rater].pop() if self.trail[rater] else None
        assert self.desk.undo(self.study, rater, self.key()) == expected
        self.model.pop((rater, expected), None)

    @precondition(lambda self: self.keys % 3 == 0)
    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = opened(Path(self.folder.name) / "ragft.sqlite")
        self.desk = Ratings(self.store)

    @rule(rater=RATERS, place=st.integers(-2, 9), choice=st.text(max_size=3))
    def nonsense(self, rater: str, place: int, choice: str) -> None:
        if not 0 <= place < 5 or choice not in ("A", "B", "C", "tie", "bad"):
            with pytest.raises(RagftError):
                self.desk.vote(self.study, rater, place, Vote(choice), self.key())

    @invariant()
    def agrees_with_the_model(self) -> None:
        if not hasattr(self, "desk"):
            return
        for rater, trail in self.trail.items():
            assert self.desk.seen(self.study, rater) == [(place, self.model[rater, place]) for place in trail]
            ballot = self.desk.next_ballot(self.study, rater)
            left = [place for place in range(5) if (rater, place) not in self.model]
            assert (ballot.place if ballot else None) == (left[0] if left else None)


TestJudging = Judging.TestCase
TestJudging.settings = effort(max_examples=10, stateful_step_count=15, deadline=None)
