"""Kill -9 an indexing job again and again, reopen through the app, compare: `python -m tests.slow.kills [30]`.

When a kill comes is chosen by what the job has said so far, not by the clock: so it comes before the end, however fast
the machine.
"""

import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragft_core.documents import load
from ragft_core.retrieval import check
from ragft_core.retrieval.collection import TWIN

from ..test_retrieval import Desk

ROOT = Path(__file__).parents[2]
FILES, ROWS = 3, 400  # every round replaces all rows: more writes than the 1,000 after which Chroma rewrites its files
MOMENTS = ("any time", "rewriting")
CHILD = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 2**30,) * 2)
from tests.test_retrieval import Desk
desk = Desk(Path(sys.argv[1]))
print("open", flush=True)
desk.add(lambda p: print(p.message, flush=True))
print("added", flush=True)
desk.close()
"""


@dataclass(frozen=True)
class Outcome:
    """What one kill did: when it came, what reopening took and said, and what was wrong (nothing should be)."""

    moment: str
    finished: bool
    seconds: float
    notices: tuple[str, ...]
    faults: tuple[str, ...]


def write_round(folder: Path, number: int) -> None:
    """New content for every file."""
    folder.mkdir(exist_ok=True)
    for file in range(FILES):
        rows = "\n".join(f"topic{file}x{n},round{number},{n}" for n in range(ROWS))
        (folder / f"rows{file}.csv").write_text(f"subject,round,number\n{rows}")


def start(place: Path) -> "subprocess.Popen[str]":
    """An ingest that has opened the index."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(place)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline() == "open\n"
    return child


def whole_run(place: Path) -> int:
    """How many lines an ingest says that nobody kills."""
    child = start(place)
    lines = child.communicate()[0].splitlines()
    assert lines[-1] == "added", lines
    return len(lines)


def kill_one(place: Path, moment: str, rng: random.Random, lines: int) -> bool:
    """Start an ingest of about so many `lines` and kill it, at any of them or while Chroma rewrites its files; whether
    it had ended before."""
    child = start(place)
    assert child.stdout
    before, end = index_files(place / "home"), time.monotonic() + 120
    if moment == "any time":
        for _ in range(rng.randrange(lines - 2)):
            child.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))  # somewhere within what it does next
    while moment == "rewriting" and child.poll() is None and time.monotonic() < end:
        now = index_files(place / "home")
        if any(before.get(path, now[path]) != now[path] for path in now):
            break
        before |= now
    child.kill()
    return "added" in child.communicate()[0]


def index_files(home: Path) -> dict[Path, int]:
    found = {}
    for path in (home / "index").rglob("*.bin"):
        with contextlib.suppress(FileNotFoundError):
            found[path] = path.stat().st_mtime_ns
    return found


def faults(desk: Desk) -> tuple[str, ...]:
    """What the reopened index has wrong: ids, chunks that do not find themselves, documents of mixed rounds."""
    shelf, dense = desk.index._shelf, desk.index._dense
    finding = check.inspect(dense._sound(), shelf)
    found = [f"{len(finding.missing)} missing"] if finding.missing else []
    found += [f"{len(finding.extra)} too many"] if finding.extra else []
    lost = unfound(dense, shelf.vectors(shelf.ids()))
    found += [f"{len(lost)} of {finding.asked} do not find themselves"] if lost else []
    rows = desk.store.rows(
        "SELECT source, count(*), count(DISTINCT substr(text, instr(text, 'round: '), instr(text, 'number: ') - "
        "instr(text, 'round: '))) FROM documents JOIN placements ON document = documents.id "
        "JOIN chunks ON chunk = chunks.id GROUP BY source"
    )
    found += [
        f"{source} has {count} rows of {rounds} rounds"
        for source, count, rounds in rows
        if (count, rounds) != (ROWS, 1)
    ]
    return tuple(found)


def unfound(dense: Any, vectors: Mapping[str, Any]) -> list[str]:
    """The chunks that a search for their own vector does not bring up, nor another chunk with the same vector."""
    lost = []
    for key, vector in vectors.items():
        near = dense.nearest(vector, 10)
        if key not in near and max(near.values(), default=0.0) < 1 - TWIN:
            lost.append(key)
    return lost


def kills(place: Path, count: int, seed: int = 0, tell: Callable[[Outcome], None] = lambda _: None) -> list[Outcome]:
    """`count` kills on top of each other, and what each left behind; in the end a run to the end, compared with a clean
    cut of the files."""
    rng, outcomes = random.Random(seed), []
    write_round(place / "docs", count)
    lines = whole_run(place)
    for number in range(count):
        write_round(place / "docs", number)
        moment = MOMENTS[number % 2]
        finished = kill_one(place, moment, rng, lines)
        began = time.monotonic()
        desk = Desk(place)
        outcomes.append(Outcome(moment, finished, time.monotonic() - began, desk.index.notices, faults(desk)))
        tell(outcomes[-1])
        desk.close()
    desk = Desk(place)
    desk.add()
    cutter = desk.index._cutter
    clean = {chunk.id for path in desk.docs.iterdir() for chunk in cutter.cut(load(path))}
    last = faults(desk) + (() if set(desk.index._shelf.ids()) == clean else ("the ids are not those of a clean run",))
    outcomes.append(Outcome("resumed to the end", True, 0.0, desk.index.notices, last))
    tell(outcomes[-1])
    desk.close()
    return outcomes


def main(count: int) -> int:
    def tell(o: Outcome) -> None:
        said = "; ".join((*o.faults, *o.notices)) or "as it should be"
        ended = "ended" if o.finished else "killed"
        print(f"{o.moment:18} {ended:6} reopened in {o.seconds:5.1f} s  {said}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        outcomes = kills(Path(folder), count, tell=tell)
    print(Counter("wrong" if o.faults else "right" for o in outcomes))
    return int(any(o.faults for o in outcomes))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
