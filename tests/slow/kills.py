"""Kill -9 an indexing job again and again, reopen through the app, compare: `python -m tests.slow.kills [30]`."""

import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ragft_core.documents import load
from ragft_core.retrieval import check

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


def kill_one(place: Path, moment: str, rng: random.Random) -> bool:
    """Start an ingest and kill it, at any time or while Chroma rewrites its files; whether it had ended before."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(place)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    child.stdout.readline()
    before, end = index_files(place / "home"), time.monotonic() + 120
    if moment == "any time":
        time.sleep(rng.uniform(0, 3))
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
    astray = {key: v for key, v in shelf.vectors(finding.lost).items() if key not in dense.nearest(v, 100)}
    found += [f"{len(astray)} of {finding.asked} do not find themselves"] if astray else []
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


def kills(place: Path, count: int, seed: int = 0) -> list[Outcome]:
    """`count` kills on top of each other, and what each left behind; in the end a run to the end, compared with a clean
    cut of the files."""
    rng, outcomes = random.Random(seed), []
    for number in range(count):
        write_round(place / "docs", number)
        moment = MOMENTS[number % 2]
        finished = kill_one(place, moment, rng)
        began = time.monotonic()
        desk = Desk(place)
        outcomes.append(Outcome(moment, finished, time.monotonic() - began, desk.index.notices, faults(desk)))
        desk.close()
    desk = Desk(place)
    desk.add()
    cutter = desk.index._cutter
    clean = {chunk.id for path in desk.docs.iterdir() for chunk in cutter.cut(load(path))}
    last = faults(desk) + (() if set(desk.index._shelf.ids()) == clean else ("the ids are not those of a clean run",))
    outcomes.append(Outcome("resumed to the end", True, 0.0, desk.index.notices, last))
    desk.close()
    return outcomes


def main(count: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        outcomes = kills(Path(folder), count)
    for number, o in enumerate(outcomes, 1):
        said = "; ".join((*o.faults, *o.notices)) or "as it should be"
        print(
            f"{number:3} {o.moment:18} {'ended' if o.finished else 'killed':6} reopened in {o.seconds:5.1f} s  {said}"
        )
    print(Counter("wrong" if o.faults else "right" for o in outcomes))
    return int(any(o.faults for o in outcomes))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
