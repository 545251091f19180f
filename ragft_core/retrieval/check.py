"""A Chroma folder becomes a verdict: are exactly the database's chunks in it, and does every one find itself?

Broken index files can crash the process that opens them (SIGSEGV) or grow without end, so a folder that is not
known to be as we closed it is looked at in a child first: `python -m ragft_core.retrieval.check FOLDER DATABASE MODEL`.
"""

import json
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import RagftError
from ..store import Store
from .collection import FAR, Collection
from .shelf import Shelf

ALL = 5000  # up to so many vectors are all asked for themselves
SAMPLE = 300
LARGEST_FILE, MOST_MEMORY = 2 * 2**30, 8 * 2**30  # a damaged index was seen to grow to 606 GB
PATIENCE = 90  # seconds; 5,000 random vectors took 15


@dataclass(frozen=True)
class Finding:
    """Chunk ids: `missing` and `extra` against the database, `lost` those of `asked` that did not find themselves.

    `pathless` are those of the (first) lost that a far wider search does not find either; only the child looks.
    """

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    asked: int = 0
    pathless: tuple[str, ...] = ()


def inspect(collection: Collection, shelf: Shelf, every: int = ALL) -> Finding:
    """Compare the ids, then let every chunk look for itself, or a sample of them if there are more than `every`."""
    wanted, there = set(shelf.ids()), collection.ids()
    both = sorted(wanted & there)
    asked = both if len(both) <= every else random.Random(0).sample(both, SAMPLE)
    lost = tuple(collection.lost(shelf.vectors(asked)))
    return Finding(tuple(sorted(wanted - there)), tuple(sorted(there - wanted)), lost, len(asked))


def in_child(folder: Path, database: Path, model: str) -> tuple[Finding | None, str]:
    """(finding, ""), or (None, why there is none): what a crash would be is a sentence here."""
    command = [sys.executable, "-m", __spec__.name, str(folder), str(database), model]
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return None, f"its check did not end within {PATIENCE} seconds"
    except OSError as error:
        return None, f"its check could not be started: {error}"
    if done.returncode < 0:
        return None, f"opening it crashed ({signal.Signals(-done.returncode).name})"
    with suppress(ValueError, TypeError, LookupError):
        said = json.loads(done.stdout.splitlines()[-1])
        lists = {name: tuple(said[name]) for name in ("missing", "extra", "lost", "pathless")}
        return Finding(**lists, asked=int(said["asked"])), ""
    last = done.stderr.strip().splitlines() or ["no word"]
    return None, last[-1][:200]


def main(folder: str, database: str, model: str) -> int:
    """Print the finding as JSON; 1 and a sentence on stderr if the folder cannot be read."""
    _limit()
    try:
        store = Store(database)
        collection, shelf = Collection(Path(folder)), Shelf(store, model)
        finding = inspect(collection, shelf)
        pathless = collection.lost(shelf.vectors(finding.lost[:SAMPLE]), FAR)
        print(json.dumps(asdict(finding) | {"pathless": pathless}), flush=True)
    except RagftError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _limit() -> None:
    """Bound what a damaged index can do to the machine; systems without `resource` have the timeout only."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        for what, most in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, LARGEST_FILE),
            (resource.RLIMIT_AS, MOST_MEMORY),
        ):
            hard = resource.getrlimit(what)[1]
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    code = main(*sys.argv[1:4])
    sys.stdout.flush()
    os._exit(code)  # without Chroma's own goodbye, which may hang or crash on what was just found broken
