"""Whatever is done to Chroma's files and whenever the process is killed: reopened, all is there and is found."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragft_core.retrieval import check
from ragft_core.retrieval.collection import Collection
from ragft_core.retrieval.dense import SEAL

from ..test_retrieval import Desk
from ..test_retrieval_repair import checked, folder
from ..test_retrieval_repair import whole as found
from . import kills
from .kills import unfound

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def whole(desk: Desk, size: int) -> bool:
    """Exactly the chunks of the database are there, and every one is found by its own vector.

    Not by Chroma's graph alone: among vectors that are nearly all alike it leaves some chunk without a path, other ones
    with other threads. The product knows these by name, so what counts is what it finds.
    """
    shelf, dense = desk.index._shelf, desk.index._dense
    assert dense.check() == check.Finding(asked=size)
    assert unfound(dense, shelf.vectors(shelf.ids())) == []
    return True


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    for n in range(30):
        desk.write(**{f"page{n}": f"# Page {n}\nThis page tells of topic{n} and of other things."})
    desk.add()
    yield desk
    desk.close()


def test_a_folder_left_open_by_a_dead_process_is_looked_at_by_a_child(desk: Desk) -> None:
    desk.index._dense._collection.close()  # as a kill would leave it: without the seal
    desk.index._dense._collection = None
    desk.store.set_fact(SEAL, "")
    desk.store.close()
    assert desk.open().notices == ()
    assert found(desk)


def test_the_child_sees_what_is_there(desk: Desk) -> None:
    desk.close()
    assert checked(desk) == (check.Finding(asked=30), "")
    desk.open()
    desk.index._dense._sound().remove([missing := desk.index._shelf.ids()[0]])
    desk.close()
    assert checked(desk) == (check.Finding(missing=(missing,), asked=29), "")
    desk.open()


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * (path.stat().st_size // 256 + 1))


def huge(path: Path) -> None:
    """Numbers that would ask for all the memory and disk there is."""
    path.write_bytes(b"\xff" * path.stat().st_size)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with 1,500 chunks: more than Chroma's 1,000, so that there are index files to damage."""
    desk = Desk(tmp_path_factory.mktemp("filled"))
    (desk.docs / "rows.csv").write_text("subject,number\n" + "\n".join(f"topic{n},{n}" for n in range(1500)))
    desk.add()
    desk.close()
    return desk.home.parent


@pytest.mark.parametrize(
    ("harm", "pattern"),
    [
        *((harm, pattern) for harm in (garbage, truncated, Path.unlink) for pattern in ("chroma.sqlite3", "*.bin")),
        (huge, "header.bin"),
        (huge, "link_lists.bin"),
        (truncated, "data_level0.bin"),
        (garbage, "*.pickle"),
    ],
)
def test_damaged_files_are_noticed_or_harmless(
    filled: Path, tmp_path: Path, harm: Callable[[Path], None], pattern: str
) -> None:
    shutil.copytree(filled / "home", tmp_path / "home")
    (place,) = (tmp_path / "home" / "index").iterdir()
    harmed = list(place.rglob(pattern))
    assert harmed
    for path in harmed:
        harm(path)
    desk = Desk(tmp_path)
    assert all("made again from the database: 1500 passages, nothing lost" in notice for notice in desk.index.notices)
    assert desk.index.notices or pattern != "chroma.sqlite3"
    assert whole(desk, 1500)
    assert desk.index.search("topic77", 1)[0].text.startswith("subject: topic77\n")
    assert desk.again().notices == ()
    desk.close()


def test_an_empty_collection_in_its_place_is_filled(desk: Desk) -> None:
    desk.close()
    place = folder(desk)
    shutil.rmtree(place)
    Collection(place, new=True).close()
    (notice,) = desk.open().notices
    assert "it was completed for 30 passages" in notice
    assert found(desk)


def test_the_child_cannot_fill_the_disk(tmp_path: Path) -> None:
    code = "from ragft_core.retrieval import check; check.LARGEST_FILE = 10_000; check._limit()\n"
    code += f"open({str(tmp_path / 'big')!r}, 'wb').write(bytes(20_000))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (1, -signal.SIGXFSZ)
    assert (tmp_path / "big").stat().st_size <= 10_000


def test_an_ingest_killed_ten_times_goes_on_where_it_was(tmp_path: Path) -> None:
    """At any time and while index files are rewritten, on top of each other; `python -m tests.slow.kills` does 30."""
    outcomes = kills.kills(tmp_path, 10)
    assert len(outcomes) == 11
    assert [outcome for outcome in outcomes if outcome.faults] == []
    assert {outcome.moment for outcome in outcomes if not outcome.finished} == set(kills.MOMENTS)  # both were hit
    print([f"{outcome.moment}: {outcome.seconds:.1f} s" for outcome in outcomes if not outcome.finished])
