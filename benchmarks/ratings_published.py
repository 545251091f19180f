"""Public votes become a table of published figures beside ours: strengths, position effect, agreement.

`python -m benchmarks.ratings_published --data ../shared/data` (MT-Bench votes, the baseball table; without the
folder only the Krippendorff examples run). Exits 1 when a figure differs from the published one.
"""

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ragft_core.ratings import Rating, Ratings
from ragft_core.ratings.agreement import agreement
from ragft_core.ratings.bias import judge_bias
from ragft_core.ratings.results import elo
from ragft_core.ratings.strength import bradley_terry, choice_model, wins_by_item
from ragft_core.ratings.tallies import preferences
from ragft_core.store import Store

KRIPPENDORFF = [
    [1, 1, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [5, 5, 5],
    [1, 1],
    [3],
]
"""Four observers, twelve units, with gaps: the nominal example of Krippendorff, Content Analysis."""
MTBENCH_ELO = {"gpt-4": 1428, "claude-v1": 1363, "gpt-3.5-turbo": 1355, "vicuna-13b-v1.2": 1241, "alpaca-13b": 1119}


@dataclass(frozen=True)
class Figure:
    """One published figure and ours; they agree when ours is within `tolerance`."""

    name: str
    published: float
    ours: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        return abs(self.published - self.ours) <= self.tolerance


def read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def krippendorff() -> Iterator[Figure]:
    short = [[1, 2], [2, 3], [3, 4]]
    for name, units, metric, published in (
        ("alpha, nominal, gaps (904/1216)", KRIPPENDORFF, "nominal", 904 / 1216),
        ("alpha, nominal, 3 units", short, "nominal", -0.153846),
        ("alpha, interval, 3 units", short, "interval", 0.545455),
    ):
        ours = agreement(units, metric).alpha
        yield Figure(name, published, np.nan if ours is None else ours, 5e-7)


def baseball(rows: list[dict[str, Any]]) -> Iterator[Figure]:
    """Agresti's table: strengths with Baltimore at 0, with and without the effect of playing at home."""
    teams = sorted({row["home.team"] for row in rows} - {"Baltimore"})
    features, chosen, weights = [], [], []
    for row in rows:
        pair = [[float(row[side] == team) for team in teams] for side in ("home.team", "away.team")]
        for side, wins in enumerate((row["home.wins"], row["away.wins"])):
            features.append([[*pair[0], 1.0], [*pair[1], 0.0]])
            chosen.append(side)
            weights.append(float(wins))
    table, taken, counts = np.array(features), np.array(chosen), np.array(weights)
    found, _ = choice_model(table, taken, counts)
    plain, _ = choice_model(table[:, :, :-1], taken, counts)
    yield Figure("baseball: home effect", 0.3023, float(found[-1]), 5e-5)
    for team, value in (("Milwaukee", 1.6196),):
        yield Figure(f"baseball: {team}, with home", value, float(found[teams.index(team)]), 5e-5)
    for team, value in (("Milwaukee", 1.5814), ("Detroit", 1.4364), ("Toronto", 1.2945)):
        yield Figure(f"baseball: {team}, without", value, float(plain[teams.index(team)]), 5e-5)


def mtbench(human: Path, judge: Path) -> Iterator[Figure]:
    """The votes go the way a user's would: imported as arena pairs, then ranked from the database."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "ragft.sqlite")
        desk = Ratings(store)
        (people,) = desk.import_file(unpacked(human, folder))["studies"]
        (machine,) = desk.import_file(unpacked(judge, folder))["studies"]
        study = desk.study(people)
        votes, verdicts = desk.ledger.ratings(people), desk.ledger.ratings(machine)
        wins = wins_by_item(study.arms, desk.items(people), votes).sum(0)
        scale = elo(bradley_terry(wins, prior=0.0), study.arms, "llama-13b")
        for arm, published in MTBENCH_ELO.items():
            yield Figure(f"MT-Bench Elo: {arm}", published, scale[arm], 0.5)
        slight = elo(bradley_terry(wins), study.arms, "llama-13b")
        largest = max(abs(slight[arm] - scale[arm]) for arm in scale)
        print(f"(with the prior that the page uses, no Elo moves by more than {largest:.2f})", file=sys.stderr)
        for ties, published in ((True, (0.666, 0.641)), (False, (0.859, 0.820))):
            name = "with ties" if ties else "without ties"
            with_judge, among = first_turn(votes, verdicts, ties)
            yield Figure(f"MT-Bench turn 1, GPT-4 and people, {name}", published[0], with_judge, 5e-4)
            yield Figure(f"MT-Bench turn 1, people among them, {name}", published[1], among, 5e-4)
        for row in judge_bias(study.arms, by_item(votes), by_item(verdicts)):
            leaning = f"{row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}]"
            print(f"(GPT-4 as judge prefers {row.arm} by {leaning} over people, {row.items} items)", file=sys.stderr)
        store.close()


def first_turn(votes: list[Rating], verdicts: list[Rating], ties: bool) -> tuple[float, float]:
    """Agreement of (GPT-4 and each person, people two by two) on the first turn, as FastChat counts it."""

    def spoken(ratings: list[Rating]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for rating in ratings:
            if json.loads(rating.item)[-1] == 1 and (ties or rating.winner != "tie"):
                found.setdefault(rating.item, []).append(rating.winner)
        return found

    people, machine = spoken(votes), spoken(verdicts)
    pairs = [said == machine[item][0] for item, winners in people.items() if item in machine for said in winners]
    among = agreement(list(people.values())).raw
    return sum(pairs) / len(pairs), among if among is not None else np.nan


def by_item(ratings: list[Rating]) -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for rating in ratings:
        found.setdefault(rating.item, []).extend(preferences(rating))
    return found


def unpacked(path: Path, folder: str) -> Path:
    target = Path(folder) / path.name.removesuffix(".gz")
    target.write_bytes(gzip.decompress(path.read_bytes()))
    return target


def figures(data: Path | None) -> Iterator[Figure]:
    yield from krippendorff()
    if data is not None and (data / "baseball_bt.jsonl.gz").is_file():
        yield from baseball(read(data / "baseball_bt.jsonl.gz"))
        yield from mtbench(data / "mtbench_human.jsonl.gz", data / "mtbench_gpt4_pair.jsonl.gz")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with mtbench_human.jsonl.gz and baseball_bt.jsonl.gz")
    started, wrong = time.perf_counter(), 0
    print(f"{'figure':50} {'published':>12} {'ours':>12}")
    for figure in figures(parser.parse_args().data):
        wrong += not figure.agrees
        mark = "equal" if figure.agrees else "DIFFERS"
        print(f"{figure.name:50} {figure.published:12.6g} {figure.ours:12.6f}  {mark}")
    print(f"{wrong} differ; {time.perf_counter() - started:.1f} s")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
