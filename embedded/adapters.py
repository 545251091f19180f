"""Makes the demo's two LoRA adapters, clinic-sft and clinic-raft, by the command that a user would type."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from embedded import domain
from embedded.export import TARGET as MODEL
from embedded.export import swap_in

TARGET = Path("assets/adapters")
RECIPES = ("sft", "raft")


def command(recipe: str, preset: str, home: Path, processes: int = 1, seed: int = 0) -> list[str]:
    """`ragft train assets/demo/train.jsonl --recipe RECIPE --preset PRESET --follow`, in a home of its own."""
    words = ["train", str(domain.TARGET / "train.jsonl"), "--recipe", recipe, "--preset", preset]
    words += ["--name", f"clinic-{recipe}", "--follow", "--home", str(home), "--json"]
    words += ["--processes", str(processes)] if processes > 1 else []
    words += ["--set", f"seed={seed}"] if seed else []
    return [sys.executable, "-m", "ragft_core", *words]


def make(recipe: str, base: Path, preset: str, target: Path, cores: int = 0, processes: int = 1, seed: int = 0) -> dict:
    """Train one adapter and put it into `target` whole; returns the run. SystemExit when the run failed."""
    with tempfile.TemporaryDirectory() as scratch:
        home, temporary = Path(scratch) / "home", Path(scratch) / "tmp"  # a home in the temporary folder is refused
        temporary.mkdir()
        env = os.environ | {"RAGFT_MODEL": str(base.resolve()), "RAGFT_THREADS": str(cores), "TMPDIR": str(temporary)}
        words = command(recipe, preset, home, processes, seed)
        done = subprocess.run(words, env=env, stdout=subprocess.PIPE, text=True)
        run = json.loads(done.stdout) if done.returncode == 0 else {"state": "failed", "message": "see above"}
        if run["state"] != "done":
            raise SystemExit(f"clinic-{recipe}: {run['state']}: {run['message']}")
        fresh = target / f".clinic-{recipe}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(run["adapter"], fresh)
        swap_in(fresh, target / f"clinic-{recipe}")
        return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=RECIPES)
    parser.add_argument("--base", type=Path, default=MODEL)
    parser.add_argument("--out", type=Path, default=TARGET)
    parser.add_argument("--preset", default="small", choices=["smoke", "small", "full"])
    parser.add_argument("--cores", type=int, default=0, help="0: all")
    parser.add_argument("--processes", type=int, default=1, help="that share each batch")
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    for recipe in a.recipes:
        run = make(recipe, a.base, a.preset, a.out, a.cores, a.processes, a.seed)
        print(f"clinic-{recipe}: {run['steps']} steps, {run['seconds']:.0f} s, validation {run['eval_loss']:.3f}")


if __name__ == "__main__":
    main()
