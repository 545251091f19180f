"""Pretraining: resumable, checkpointed, with a schedule whose constant part later sessions can continue."""

from __future__ import annotations

import argparse
import json
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from embedded import rows, tokenizer
from embedded.mix import GROWING, LOOKUPS, Mix
from embedded.muon import Muon
from embedded.network import Network, Shape

HOME = Path(".embedded")
WARM_UP_STEPS = 60


@dataclass
class Progress:
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float = 0.0


def save(path: Path, model: Network, optimiser: Muon, progress: Progress) -> None:
    """Write beside, then rename: a killed run never leaves half a checkpoint."""
    temporary = path.with_suffix(".tmp")
    torch.save(
        {
            "model": model.state_dict(),
            "optimiser": optimiser.state(),
            "progress": vars(progress),
            "shape": model.shape.as_dict(),
        },
        temporary,
    )
    temporary.replace(path)


def source_of(a: argparse.Namespace) -> Path:
    """The checkpoint, or the folder of exported weights, to go on from."""
    exported = Path(a.start)
    return exported if (exported / "model.safetensors").is_file() else Path(a.home) / (a.start or a.name)


def shape_of(folder: Path) -> Shape:
    """The sizes of exported weights, from their config.json."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    names = {
        "vocab": "vocab_size",
        "width": "hidden_size",
        "ff": "intermediate_size",
        "window": "max_position_embeddings",
    }
    names |= {"layers": "num_hidden_layers", "heads": "num_attention_heads", "kv_heads": "num_key_value_heads"}
    return Shape(
        **{ours: config[theirs] for ours, theirs in names.items()}, theta=config["rope_parameters"]["rope_theta"]
    )


def open_model(path: Path | None, fresh: Shape, device: str) -> tuple[Network, Muon, Progress]:
    """The checkpoint's model, a folder's exported weights without the optimiser's state, or a new model."""
    if path is not None and path.is_dir():
        model = Network(shape_of(path))
        model.load_state_dict({name: value.float() for name, value in load_file(path / "model.safetensors").items()})
        return model.to(device), Muon(model, precision=precision(device)), Progress(tokens=GROWING)
    if path is None or not path.exists():
        model = Network(fresh).to(device)
        return model, Muon(model, precision=precision(device)), Progress()
    saved = torch.load(path, weights_only=True, map_location=device)
    model = Network(Shape(**saved["shape"])).to(device)
    model.load_state_dict(saved["model"])
    optimiser = Muon(model, precision=precision(device))
    optimiser.restore(saved["optimiser"])
    return model, optimiser, Progress(**saved["progress"])


def blend(model: Network, partner: Path, last: float) -> float:
    """Move half way to a partner's weights where they are newer than `last`; returns how new they were.

    Two processes of one core that meet now and then read more text in the same time than one on two cores
    (local SGD: Stich 2019, "Local SGD Converges Fast and Communicates Little").
    """
    written = partner.stat().st_mtime if partner.exists() else last
    if written > last:
        theirs = torch.load(partner, weights_only=True, map_location="cpu")["model"]
        mine = model.state_dict()
        model.load_state_dict({name: (value + theirs[name].to(value)) / 2 for name, value in mine.items()})
    return written


def compile_blocks(model: Network) -> None:
    """One dynamic graph per block serves all lengths; a failing compiler only costs speed."""
    torch._dynamo.config.suppress_errors = True
    for block in model.model.layers:
        block.forward = torch.compile(block.forward, dynamic=True)  # type: ignore[method-assign]


def half_precision(device: str) -> bool:
    """Whether bfloat16 products are faster here than float32 ones; emulated ones are three times slower."""
    if device != "cpu":
        return True
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check)


def precision(device: str) -> torch.dtype:
    return torch.bfloat16 if half_precision(device) else torch.float32


def open_mix(words: Tokenizer, data: Path, short: bool, lookups: float = LOOKUPS) -> Mix:
    if not data.is_dir():
        print(f"no data folder at {data}: generated text only", flush=True)
    return Mix(words, data if data.is_dir() else None, short, lookups)


def learn(model: Network, feed: Iterator[rows.Batch], size: int, device: str) -> tuple[float, int]:
    """Gradients of one step, gathered over small batches that fit the cache; returns its loss and tokens."""
    group: list[rows.Batch] = []
    while sum(batch.tokens for batch in group) < size:
        group.append(next(feed))
    weight = sum(float(batch.weights.sum()) for batch in group)
    loss = 0.0
    for batch in group:
        moved = [x.to(device) for x in (batch.ids, batch.where, batch.targets, batch.weights)]
        with torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=half_precision(device)):
            part = model.loss(*moved) / weight
        part.backward()
        loss += part.item()
    return loss, sum(batch.tokens for batch in group)


def run(a: argparse.Namespace) -> Progress:
    torch.set_num_threads(a.cores)
    torch.manual_seed(a.seed)
    home, device = Path(a.home), "cuda" if torch.cuda.is_available() else "cpu"
    home.mkdir(parents=True, exist_ok=True)
    target = home / a.name
    source = source_of(a) if a.resume else None
    model, optimiser, progress = open_model(source, Shape(), device)
    model.train()
    if not a.no_compile:
        compile_blocks(model)
    words = tokenizer.load(home / "tokenizer.json")
    mix = open_mix(words, Path(a.data), a.short_answers, a.lookups)
    # The seed moves with the step, so that a resumed run reads new text.
    rng = random.Random(f"{a.seed}/{progress.step}")
    feed = rows.batches(words, lambda r: mix.draw(r, progress.tokens), rng, a.micro, a.longest)
    start, begun, first, held = time.time(), progress.seconds, progress.step, progress.tokens
    print(f"parameters {sum(p.numel() for p in model.parameters())}, from step {progress.step}", flush=True)
    stop: list[int] = []
    met = time.time()
    signal.signal(signal.SIGTERM, lambda number, _: stop.append(number))
    while not stop and (spent := (time.time() - start) / 60 / a.minutes) < 1:
        loss, size = learn(model, feed, a.batch, device)
        scale = min(1.0, (progress.step + 1) / WARM_UP_STEPS, (progress.step - first + 1) / 10) * a.rate
        optimiser.step(scale * max(0.01, 1 - spent) if a.decay else scale)
        model.zero_grad(set_to_none=True)
        progress.step += 1
        progress.tokens += size
        progress.seconds = begun + time.time() - start
        progress.loss = loss if progress.step == 1 else 0.97 * progress.loss + 0.03 * loss
        if progress.step % 10 == 0:
            speed = round((progress.tokens - held) / (time.time() - start), 1)
            with (home / "log.jsonl").open("a") as log:
                log.write(json.dumps({**vars(progress), "speed": speed}) + "\n")
        if progress.step % 50 == 0:
            save(target, model, optimiser, progress)
            met = blend(model, home / a.partner, met) if a.partner else met
    save(target, model, optimiser, progress)
    return progress


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--cores", type=int, default=1)
    p.add_argument("--resume", action="store_true")
    p.add_argument("--start", default="", help="checkpoint to branch from, or a folder of exported weights")
    p.add_argument("--name", default="stable.pt")
    p.add_argument("--partner", default="", help="checkpoint of another process to meet half way at every save")
    p.add_argument("--home", default=str(HOME))
    p.add_argument("--data", default="../shared/data", help="folder of public texts, optional")
    p.add_argument("--batch", type=int, default=3000)
    p.add_argument("--micro", type=int, default=1024)
    p.add_argument("--longest", type=int, default=416)
    p.add_argument("--rate", type=float, default=0.85)
    p.add_argument("--decay", action="store_true", help="fall linearly to zero over --minutes (a release branch)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--no-compile", action="store_true")
    p.add_argument("--short-answers", action="store_true", help="answers are the words asked for, not their sentence")
    p.add_argument("--lookups", type=float, default=LOOKUPS, help="share of tiny lookups; 0.8 until they are learnt")
    print(run(p.parse_args()))


if __name__ == "__main__":
    main()
