"""Paths become the files to read; everything else below them is reported."""

import os
from pathlib import Path

import pytest

from ragft_core.documents import find, shown


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")


def test_a_folder_is_all_it_holds_in_order(tmp_path: Path) -> None:
    make(tmp_path, "b.md", "a.txt", "sub/c.MD", "sub/deep/d.csv")
    found = find([tmp_path])
    assert list(found.files.values()) == ["a.txt", "b.md", "sub/c.MD", "sub/deep/d.csv"]
    assert found.refused == []
    assert found.complete == [tmp_path]


def test_a_file_given_twice_comes_once(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", "sub/b.txt")
    found = find([tmp_path / "a.txt", tmp_path, tmp_path / "sub" / ".." / "a.txt", tmp_path / "sub"])
    assert list(found.files.values()) == ["a.txt", "sub/b.txt"]


def test_what_is_passed_over_is_said(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", "b.exe", "c", ".hidden.txt", ".git/x.txt", "real/y.txt")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    found = find([tmp_path])
    assert list(found.files.values()) == ["a.txt", "real/y.txt"]
    reasons = {Path(row.path).name: row.reason for row in found.refused}
    assert reasons.pop("b.exe").startswith(".exe is not read")
    assert reasons.pop("c").startswith("A file without an ending is not read")
    assert reasons.pop("link.txt") == reasons.pop("linked") == "Links are not followed."
    assert reasons == {".hidden.txt": "Hidden files are not read.", ".git": "Hidden folders are not read."}
    assert {row.status for row in found.refused} == {"skipped"}


@pytest.mark.parametrize("name", ["ghost", "nul\0", "x" * 5000, "../" * 50 + "ghost"])
def test_what_is_not_there_is_a_row(tmp_path: Path, name: str) -> None:
    found = find([tmp_path / name])
    assert found.files == {}
    assert found.complete == []
    assert [(row.status, row.reason) for row in found.refused] == [("failed", "There is no such file or folder.")]


def test_a_link_given_by_name_is_left_to_the_loader_to_refuse(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    assert list(find([tmp_path / "link.txt"]).files) == [tmp_path / "link.txt"]


def test_a_folder_read_in_part_is_not_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.txt", "closed/b.txt")
    scandir = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = find([tmp_path])
    assert list(found.files.values()) == ["a.txt"]
    assert found.complete == []
    assert found.refused[0].reason == "The folder cannot be read: Permission denied."


def test_names_of_any_kind_stay_apart(tmp_path: Path) -> None:
    names = ["<b>.txt", "a\nb.txt", "CON.txt", "ü" * 100 + ".txt", "日本.txt", " .txt", "a%2e.txt", "'quote\".txt"]
    make(tmp_path, *names)
    for raw in (b"bad\xff.txt", b"bad\xfe.txt"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw)).write_text("text")
    found = find([tmp_path])
    assert len(found.files) == len(set(found.files.values())) == len(names) + 2
    for file, name in found.files.items():
        name.encode("utf-8")
        shown(file).encode("utf-8")
