"""Rebuilds everything from nothing: demo domain, tokenizer, pretraining in three stages, export, adapters."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from embedded.pretrain import HOME

# Stages: checkpoint to go on from, checkpoint written, share of the minutes, share of tiny lookups.
STAGES = (("", "stable.pt", 0.2, 0.85), ("stable.pt", "stable.pt", 0.5, 0.12), ("stable.pt", "release.pt", 0.3, 0.1))


def call(module: str, *arguments: object) -> None:
    subprocess.run([sys.executable, "-m", f"embedded.{module}", *map(str, arguments)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120, help="of pretraining")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--home", type=Path, default=HOME)
    parser.add_argument("--assets", type=Path, default=Path("assets"))
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--preset", default="small", help="of the adapters' training; none makes no adapters")
    parser.add_argument("--no-compile", action="store_true")
    a = parser.parse_args()
    pretrain = ["--home", a.home, "--cores", a.cores, "--data", a.data, "--short-answers"]
    if a.no_compile:
        pretrain.append("--no-compile")
    call("domain", "--out", a.assets / "demo")
    call("vocabulary", "--out", a.home / "tokenizer.json", "--data", a.data)
    for start, name, share, lookups in STAGES:
        stage = ["--name", name, "--minutes", a.minutes * share, "--lookups", lookups]
        stage += ["--resume", "--start", start] if start else []
        call("pretrain", *pretrain, *stage, *(["--decay"] if name == "release.pt" else []))
    files = [
        "--checkpoint",
        a.home / "release.pt",
        "--tokenizer",
        a.home / "tokenizer.json",
        "--out",
        a.assets / "model",
    ]
    call("export", *files)
    if a.preset != "none":
        places = ["--base", a.assets / "model", "--out", a.assets / "adapters"]
        call("adapters", *places, "--preset", a.preset, "--cores", a.cores)


if __name__ == "__main__":
    main()
