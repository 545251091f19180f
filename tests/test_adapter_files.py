"""Adapters are exported, imported, renamed, deleted and brought back; nothing strange is ever unpacked."""

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ragft_core import Settings, cli
from ragft_core.adapter_files import (
    delete_adapter,
    deleted_adapters,
    export_adapter,
    import_adapter,
    rename_adapter,
    restore_adapter,
)
from ragft_core.adapters import WEIGHTS, find_adapters, read_info
from ragft_core.errors import AdapterError, NotFoundError
from ragft_core.settings import ASSETS

from .test_adapters import CONFIG, make, safetensors

CARD = {"name": "one", "recipe": "raft", "base_sha256": "b" * 64}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    make(
        tmp_path / "home" / "adapters" / "one", CONFIG | {"base_model_name_or_path": "/home/me/secret/model"}, card=CARD
    )
    return tmp_path / "home" / "adapters"


def zipped(file: Path, entries: dict[str, bytes], links: tuple[str, ...] = ()) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if name in links:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, data)
    return file


def parts(config: Any = CONFIG, folder: str = "two/") -> dict[str, bytes]:
    weights = safetensors({"a": bytes(range(200))})
    return {f"{folder}adapter_config.json": json.dumps(config).encode(), f"{folder}{WEIGHTS}": weights}


def nothing_left(own: Path) -> bool:
    return sorted(file.name for file in own.iterdir()) == ["one"]


def test_an_export_comes_back_as_it_was_without_a_path_of_this_machine(own: Path, tmp_path: Path) -> None:
    (own / "one" / "optimizer.pt").write_bytes(b"not taken along")
    file = export_adapter([own], "one", tmp_path)
    assert file == tmp_path / "one.zip"
    names = zipfile.ZipFile(file).namelist()
    assert names == ["one/adapter_config.json", "one/adapter_card.json", f"one/{WEIGHTS}"]
    assert b"secret" not in b"".join(zipfile.ZipFile(file).read(name) for name in names)
    seen = []
    info = import_adapter(own, file, "again", check=lambda found: seen.append(found.sha256))
    assert info.sha256 == read_info(own / "one").sha256 == seen[0] and info.recipe == "raft" and not info.problem
    with pytest.raises(AdapterError, match=r"is a file .* already"):
        export_adapter([own], "one", tmp_path)
    with pytest.raises(AdapterError, match="cannot be written"):
        export_adapter([own], "one", tmp_path / "no" / "such" / "folder.zip")


def test_a_folder_and_a_flat_zip_are_taken_too(own: Path, tmp_path: Path) -> None:
    make(tmp_path / "three")
    assert import_adapter(own, tmp_path / "three").name == "three"
    assert import_adapter(own, zipped(tmp_path / "my two!.zip", parts(folder=""))).name == "my-two"
    assert import_adapter(own, zipped(tmp_path / "x.zip", parts())).name == "two"
    assert [info.name for info in find_adapters([own])] == ["my-two", "one", "three", "two"]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (parts() | {"../evil.txt": b"x"}, "not unpacked"),
        (parts(folder="../../x/"), "not unpacked"),
        (parts(folder="/etc/"), "not unpacked"),
        (parts(folder="a/b/"), "not unpacked"),
        (parts() | {"two\\..\\x": b"x"}, "not unpacked"),
        (parts() | parts(folder="three/"), "twice"),
        (parts() | {f"f{n}": b"" for n in range(300)}, "302 entries"),
        (parts() | {"two/README.md": b"0" * 900_000}, "would grow 100 times"),
        (parts() | {f"two/{WEIGHTS}": safetensors({"a": bytes(5_000_000)})}, "would grow 100 times"),
        ({"two/adapter_config.json": b"{}", "two/adapter_model.bin": b"\x80\x04."}, "pickle"),
        ({"two/adapter_config.json": json.dumps(CONFIG).encode()}, f"no {WEIGHTS}"),
        ({f"two/{WEIGHTS}": b"cut"}, "cannot be used"),
        ({"note.txt": b"hello"}, "no adapter_config.json"),
        (parts(CONFIG | {"target_modules": "(.*)*x"}), "name modules plainly"),
        (parts(CONFIG | {"rank_pattern": {"(a+)+b": 4}}), "name modules plainly"),
        (parts(CONFIG | {"peft_type": "IA3"}), "only LoRA"),
    ],
)
def test_what_is_no_sound_adapter_is_refused_and_leaves_nothing(
    own: Path, tmp_path: Path, entries: dict[str, bytes], words: str
) -> None:
    with pytest.raises(AdapterError, match=words):
        import_adapter(own, zipped(tmp_path / "a.zip", entries))
    assert nothing_left(own) and not (tmp_path / "evil.txt").exists()


def test_links_are_refused(own: Path, tmp_path: Path) -> None:
    linked = zipped(tmp_path / "l.zip", parts() | {"two/README.md": b"/etc/passwd"}, links=("two/README.md",))
    with pytest.raises(AdapterError, match="holds a link"):
        import_adapter(own, linked)
    make(tmp_path / "folder", weights=None)
    (tmp_path / "folder" / WEIGHTS).symlink_to("/etc/passwd")
    with pytest.raises(AdapterError, match="is a link"):
        import_adapter(own, tmp_path / "folder")
    assert nothing_left(own)


def test_a_zip_that_lies_about_its_size_is_stopped_at_it(own: Path, tmp_path: Path) -> None:
    file = zipped(tmp_path / "lie.zip", parts())
    data = bytearray(file.read_bytes())
    place = data.rindex(b"PK\x01\x02")  # the directory's last entry: the weights
    size = int.from_bytes(data[place + 24 : place + 28], "little")
    data[place + 24 : place + 28] = (size - 50).to_bytes(4, "little")
    file.write_bytes(data)
    with pytest.raises(AdapterError):
        import_adapter(own, file)
    assert nothing_left(own)


@pytest.mark.parametrize("data", [b"", b"PK", b"hello", bytes(100)])
def test_what_is_no_zip_says_so(own: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    for source in (tmp_path / "a.zip", tmp_path / "gone.zip"):
        with pytest.raises(AdapterError, match="cannot be read"):
            import_adapter(own, source)


def test_a_damaged_archive_says_so(own: Path, tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", parts())
    data = bytearray(file.read_bytes())
    place = data.index(b"adapter_model") + len(WEIGHTS)
    data[place + 10 : place + 60] = bytes(50)
    file.write_bytes(data)
    with pytest.raises(AdapterError, match="damaged"):
        import_adapter(own, file)
    assert nothing_left(own)


def test_an_adapter_that_the_check_refuses_is_not_taken(own: Path, tmp_path: Path) -> None:
    def refuse(info: Any) -> None:
        raise AdapterError(f"{info.name} was trained on another base model")

    with pytest.raises(AdapterError, match="two was trained on another"):
        import_adapter(own, zipped(tmp_path / "a.zip", parts()), check=refuse)
    assert nothing_left(own)


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".x", "a..b", "x" * 200, "one"])
def test_names_are_checked_everywhere(own: Path, tmp_path: Path, name: str) -> None:
    words = "already|cannot be an adapter's name|no adapter"
    with pytest.raises(AdapterError, match=words):
        rename_adapter(own, "one", name)
    with pytest.raises(AdapterError, match=words):
        import_adapter(own, zipped(tmp_path / "a.zip", parts()), name or "../")
    if name != "one":
        with pytest.raises(AdapterError, match=words):
            delete_adapter(own, name)
    assert nothing_left(own)


def test_renaming_takes_the_card_along(own: Path) -> None:
    assert rename_adapter(own, "one", "uno").name == "uno"
    assert json.loads((own / "uno" / "adapter_card.json").read_text())["name"] == "uno"
    with pytest.raises(AdapterError, match="of your own"):
        rename_adapter(own, "clinic-raft", "mine")


def test_a_deleted_adapter_comes_back(own: Path) -> None:
    before = read_info(own / "one")
    gone = delete_adapter(own, "one")
    assert not find_adapters([own]) and [d.name for d in deleted_adapters(own)] == ["one"] and gone.folder.is_dir()
    make(own / "one", weights=safetensors({"a": b"9"}))
    with pytest.raises(AdapterError, match="already"):
        restore_adapter(own)
    delete_adapter(own, "one")
    assert restore_adapter(own, "one").sha256 != before.sha256, "the one deleted last comes first"
    rename_adapter(own, "one", "newer")
    assert restore_adapter(own).sha256 == before.sha256
    with pytest.raises(NotFoundError, match="no deleted adapter"):
        restore_adapter(own)


def test_only_the_latest_deleted_are_kept(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragft_core.adapter_files.KEPT_DELETED", 2)
    for n in range(4):
        make(own / f"a{n}")
        delete_adapter(own, f"a{n}")
    assert [gone.name for gone in deleted_adapters(own)] == ["a3", "a2"]


def test_the_command_and_its_verbs(settings: Settings, tmp_path: Path, capsys: Any) -> None:
    home, own = settings.home, settings.home / "adapters"
    make(own / "one", card=CARD)

    def ragft(*words: str) -> tuple[int, Any]:
        code = cli.main(["adapters", "--home", str(home), "--json", *words])
        out, err = capsys.readouterr()
        return code, err if code else json.loads(out)

    listed = ragft()[1]["adapters"]
    assert {(a["name"], a["own"]) for a in listed} >= {("one", True), ("clinic-raft", False)}
    assert ragft("rename", "one", "uno")[1]["name"] == "uno"
    file = ragft("export", "uno", str(tmp_path / "uno.zip"))[1]["file"]
    assert zipfile.is_zipfile(file) and ragft("delete", "uno")[1]["deleted"] == "uno"
    assert ragft("undo")[1]["name"] == "uno"
    assert ragft("rename", "uno")[0] == 1 and "Usage: ragft adapters rename NAME NEW" in ragft("rename", "uno")[1]
    assert "of your own" in ragft("delete", "clinic-raft")[1]
    assert cli.main(["adapters", "--home", str(home)]) == 0
    assert "uno  raft" in capsys.readouterr().out


def test_any_bytes_as_a_zip_are_a_sentence(own: Path, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in parts().items():
            archive.writestr(name, data)
    whole = buffer.getvalue()
    for cut in range(0, len(whole), 7):
        (tmp_path / "cut.zip").write_bytes(whole[:cut])
        with pytest.raises(AdapterError):
            import_adapter(own, tmp_path / "cut.zip")
    assert nothing_left(own) and (ASSETS / "adapters").is_dir()
