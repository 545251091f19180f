"""Whatever is done to Chroma's files and whenever the process is killed: reopened, all is there and is found."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragft_core.documents import load
from ragft_core.retrieval import check
from ragft_core.retrieval.collection import Collection
from ragft_core.retrieval.dense import SEAL

from ..test_retrieval import Desk
from ..test_retrieval_repair import checked, folder
from ..test_retrieval_repair import whole as found

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
CHILD = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 2**30,) * 2)
from tests.test_retrieval import Desk
desk = Desk(Path(sys.argv[1]))
print(len(desk.index.notices), flush=True)
desk.add(lambda p: print(p.message, flush=True))
print("added", flush=True)
desk.close()
"""


def whole(desk: Desk, size: int) -> bool:
    """Exactly the chunks of the database are there, and each finds itself, in Chroma or by name."""
    shelf, dense = desk.index._shelf, desk.index._dense
    finding = check.inspect(dense._sound(), shelf)
    assert (finding.missing, finding.extra, finding.asked) == ((), (), size)
    assert len(finding.lost) < size / 200  # the graph's own misses, on vectors that are nearly all alike
    for key, vector in shelf.vectors(finding.lost).items():
        assert key in dense.nearest(vector, 100)
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


def index_files(home: Path) -> dict[Path, int]:
    found = {}
    for path in (home / "index").rglob("*.bin"):
        try:
            found[path] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return found


def killed(place: Path, moment: str, rng: random.Random) -> str:
    """Run an ingest and kill it: at any time, or while Chroma rewrites its index files."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(place)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    child.stdout.readline()
    before, end = index_files(place / "home"), time.monotonic() + 120
    said = []
    if moment == "any time":
        for line in child.stdout:
            said.append(line)
            if "Embedding" in line or "added" in line:
                break
        time.sleep(rng.uniform(0, 2))
    while moment == "rewriting" and child.poll() is None and time.monotonic() < end:
        now = index_files(place / "home")
        if any(before.get(path, now[path]) != now[path] for path in now):
            break
        before = before | now
    child.kill()
    return "".join(said) + child.communicate()[0]


@pytest.mark.parametrize("moment", ["any time", "rewriting"])
def test_a_killed_ingest_goes_on_where_it_was(tmp_path: Path, moment: str) -> None:
    """Three kills on top of each other, then a run to the end: the same ids as without any kill."""
    rng = random.Random(moment)
    (tmp_path / "docs").mkdir()
    for file in range(3):
        rows = "\n".join(f"topic{file}x{n},{n}" for n in range(500))
        (tmp_path / "docs" / f"rows{file}.csv").write_text("subject,number\n" + rows)
    said = [killed(tmp_path, moment, rng) for _ in range(3)]
    assert any("Embedding" in text for text in said)
    desk = Desk(tmp_path)
    there = set(desk.index._shelf.ids())
    assert whole(desk, len(there))
    desk.add()
    assert set(desk.index._shelf.ids()) >= there
    assert whole(desk, 1500)
    assert {row.status for row in desk.index.add([desk.docs]).files} == {"unchanged"}
    cutter = desk.index._cutter
    clean = {chunk.id for path in desk.docs.iterdir() for chunk in cutter.cut(load(path))}
    assert set(desk.index._shelf.ids()) == clean
    desk.close()
