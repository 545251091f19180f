"""An LLM judge's verdicts: read from a file, kept apart from people's, compared with them, never guessed at."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragft_core.errors import NotFoundError
from ragft_core.ratings import RatingError, Ratings, Study, Vote
from ragft_core.ratings.bias import judge_agreement

from .test_ratings import asked, made, opened

ARMS = ("rag", "tuned", "hybrid")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Ratings]:
    store = opened(tmp_path / "ragft.sqlite")
    yield Ratings(store)
    store.close()


def rate(desk: Ratings, study: Study, rater: str, best: str) -> None:
    desk.join(study.id, rater)
    while ballot := desk.next_ballot(study.id, rater):
        letter = "ABC"[desk._queue(study.id, rater)[ballot.place].order.index(best)]
        desk.vote(study.id, rater, ballot.place, Vote(letter), f"key-{ballot.place:06}")


def verdicts(path: Path, *rows: str, head: str = "item_id,winner,judge") -> Path:
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_a_judge_counts_beside_people_and_never_among_them(desk: Ratings, tmp_path: Path) -> None:
    study = made(desk, 24)
    rate(desk, study, "ann", "hybrid")
    before = desk.results(study.id)
    file = verdicts(tmp_path / "j.csv", *(f"c{n:03},tuned,gpt-x" for n in range(24)))
    done = desk.import_file(file, study=study.id)
    assert (done["kind"], done["added"], done["items"], done["left_out"]) == ("judge", 24, 24, {})
    assert desk.import_file(file, study=study.id)["already"] == 24
    after = desk.results(study.id)
    assert after.ranking == before.ranking and after.raters == before.raters and after.agreement == before.agreement
    (row,) = after.judges
    bias = {one.arm: one for one in row.bias}
    assert row.judge == "gpt-x" and row.agrees.share == 0.0 and row.agrees.n == 24
    assert bias["tuned"].difference == pytest.approx(1.0) and bias["tuned"].biased is True
    assert bias["hybrid"].difference == pytest.approx(-1.0) and bias["hybrid"].biased is True
    told = json.loads(json.dumps(desk.rank(study.id)))
    assert told["judges"][0]["bias"][1]["arm"] == "tuned" and told["ratings"] == 24


def test_a_judge_of_peoples_mind_is_not_called_biased(desk: Ratings, tmp_path: Path) -> None:
    study = made(desk, 24)
    rate(desk, study, "ann", "hybrid")
    desk.import_file(verdicts(tmp_path / "j.csv", *(f"c{n:03},hybrid,j" for n in range(24))), study=study.id)
    (row,) = desk.results(study.id).judges
    assert row.agrees.share == 1.0 and [one.biased for one in row.bias] == [False] * 3


def test_few_items_are_called_too_few(desk: Ratings, tmp_path: Path) -> None:
    study = made(desk, 6)
    rate(desk, study, "ann", "hybrid")
    desk.import_file(verdicts(tmp_path / "j.csv", *(f"c{n:03},rag,j" for n in range(6))), study=study.id)
    assert {one.biased for one in desk.results(study.id).judges[0].bias} == {None}


def test_scores_decide_and_what_cannot_be_read_is_left_out_and_said(desk: Ratings, tmp_path: Path) -> None:
    study = made(desk, 6)
    rows = ["Question 0?,7,3,9", "Question 1?,5,5,1", "Question 2?,,3,9", "Question 3?,x,3,9", "Else?,1,2,3"]
    head = "question,rag_score,tuned_score,hybrid_score"
    done = desk.import_file(verdicts(tmp_path / "j.csv", *rows, "Question 4?,nan,1,2", head=head), study=study.id)
    assert done["added"] == 2 and len(done["left_out"]) == 4 and "no such item" in done["left_out"]["line 6"]
    kept = {r.item: r for r in desk.ledger.ratings(study.id)}
    assert (kept["c000"].winner, kept["c001"].winner) == ("hybrid", "tie") and kept["c000"].rater == "LLM judge"
    lines = [json.dumps({"item_id": "c002", "winner": "bad", "judge": "j2"})]
    (tmp_path / "j.jsonl").write_text("\n".join(lines))
    assert desk.import_file(tmp_path / "j.jsonl", study=study.id)["added"] == 1


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        ("item_id,winner", "c000,somebody", "no verdict that can be read"),
        ("item_id,winner", "c999,rag", "no such item"),
        ("item_id,score", "c000,3", "needs the column"),
        ("winner,judge", "rag,j", "needs the column"),
    ],
)
def test_a_file_of_no_use_is_refused(desk: Ratings, tmp_path: Path, head: str, row: str, said: str) -> None:
    study = made(desk)
    with pytest.raises(RatingError, match=said):
        desk.import_file(verdicts(tmp_path / "j.csv", row, head=head), study=study.id)
    assert desk.ledger.ratings(study.id) == [] and desk.ledger.raters(study.id) == []


def test_without_a_study_the_file_is_told_where_to_go(desk: Ratings, tmp_path: Path) -> None:
    file = verdicts(tmp_path / "j.csv", "c000,rag,j")
    with pytest.raises(RatingError, match="into the study"):
        desk.import_file(file)
    with pytest.raises(NotFoundError):
        desk.import_file(file, study="nope")


def test_nobody_rates_under_a_judges_name_and_shares_stay_whole(desk: Ratings, tmp_path: Path) -> None:
    study = made(desk, 8, raters=2, overlap=0.0)
    desk.join(study.id, "ann")
    desk.import_file(verdicts(tmp_path / "j.csv", "c000,rag,gpt-x"), study=study.id)
    desk.join(study.id, "bea")
    slots = {rater.id: rater.slot for rater in desk.ledger.raters(study.id)}
    assert slots == {"gpt-x": -1, "ann": 0, "bea": 1}
    assert len({turn.item for who in ("ann", "bea") for turn in desk._queue(study.id, who)}) == 8
    with pytest.raises(RatingError, match="LLM judge"):
        desk.join(study.id, "gpt-x")
    with pytest.raises(RatingError, match="Join the study first"):
        desk.vote(study.id, "gpt-x", 0, Vote("A"), "key-00001")
    with pytest.raises(RatingError, match="name of a person"):
        desk.import_file(verdicts(tmp_path / "k.csv", "c000,rag,ann"), study=study.id)
    assert [rater.id for rater, _ in desk.raters(study.id)] == ["ann", "bea"]


def test_verdicts_leave_and_come_back_with_the_rest_and_are_no_human_pairs(desk: Ratings, tmp_path: Path) -> None:
    study = made(desk, 4)
    rate(desk, study, "ann", "hybrid")
    desk.import_file(verdicts(tmp_path / "j.csv", "c000,rag,gpt-x", "c001,tie,gpt-x"), study=study.id)
    for name in ("ratings.csv", "ratings.jsonl"):
        desk.export(tmp_path / name, study.id)
        store = opened(tmp_path / f"{name}.sqlite")
        other = Ratings(store)
        other.import_file(tmp_path / name)
        assert other.results(study.id).judges == desk.results(study.id).judges
        assert {r.id: r.auth for r in other.ledger.raters(study.id)} == {"ann": "typed", "gpt-x": "judge"}
        store.close()
    desk.export(tmp_path / "pairs.csv", study.id, format="pairs")
    assert "gpt-x" not in (tmp_path / "pairs.csv").read_text("utf-8")


def test_agreement_counts_every_pair_of_verdicts_on_the_same_answers() -> None:
    people = {"i": [("a", "b", "a"), ("b", "a", "tie")], "j": [("a", "b", "b")]}
    judge = {"i": [("b", "a", "a"), ("a", "c", "c")], "k": [("a", "b", "b")]}
    said = judge_agreement(people, judge)
    assert (said.share, said.n) == (0.5, 2)


def test_two_judges_stand_apart(desk: Ratings, tmp_path: Path) -> None:
    study = desk.create("t", [asked(n) for n in range(3)])[0]
    rate(desk, study, "ann", "rag")
    desk.import_file(verdicts(tmp_path / "j.csv", "c000,rag,one", "c000,tuned,two"), study=study.id)
    assert [(row.judge, row.agrees.share) for row in desk.results(study.id).judges] == [("one", 1.0), ("two", 0.0)]
