"""A worker among several: what each takes, who decides, and that one alone needs nobody."""

import pytest

from ragft_core.training.team import Team


def test_alone_it_takes_all_and_asks_nobody() -> None:
    team = Team.from_environment()
    assert team.first and team.size == 1
    team.join("cpu")
    team.add([])
    assert team.share([1, 2, 3]) == [1, 2, 3] and team.told("x") == "x" and not team.joined
    team.leave()


@pytest.mark.parametrize("size", [2, 3, 5])
def test_every_row_is_taken_once_and_lengths_are_spread(size: int) -> None:
    batch = list(range(8))
    parts = [Team(rank, size).share(batch) for rank in range(size)]
    assert sorted(row for part in parts for row in part) == batch
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert [Team(rank, size).first for rank in range(size)] == [True, *[False] * (size - 1)]


def test_the_launcher_says_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert Team.from_environment() == Team(1, 4) and not Team.from_environment().first
