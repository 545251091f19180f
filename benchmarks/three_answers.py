"""Three answers to one question, three ways, become a Markdown table of times and memory.

    python -m benchmarks.three_answers [--model embedded|135m|FOLDER] [--tokens 64] [--repeats 3] [--precision fp32]

tutorial: for each arm a fresh pipeline as notebooks have it: load the model, put the adapter on, generate().
resident: one model in memory, PEFT's adapter switched off and on, the arms one after another.
ours:     the product's engine: one model, all arms side by side from one stream.
alone:    the product's engine with one arm only, for the two lines under the table.

Each way runs in a process of its own, pinned to the same cores, and writes the same number of tokens (end marks are
ignored) from the same prompts in the same precision. Figures are medians over the repeats. Seconds are CPU seconds of
the process since the question was asked (on one core: what an idle machine would take; wall time on a shared machine
says more about the neighbours and stands beside them), so the tutorial's include its loads. "x" is the tutorial's time
divided by the way's: higher is faster.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
WAYS = ("tutorial", "resident", "ours")
ARMS = ("rag", "tuned", "hybrid")
SHAPE_135M = {
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "vocab_size": 49152,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
}


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        for name in [options.model] if options.model else ["embedded", "135m"]:
            model, adapter, label = find_model(name, Path(folder))
            results = {way: run_child(way, model, adapter, options) for way in (*WAYS, "alone")}
            print(table(label, results, options), ratios(results), sep="\n", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="embedded, 135m or a folder; default: the first two")
    parser.add_argument("--adapter", help="adapter folder; default: the shipped one, or a random one")
    parser.add_argument("--tokens", type=int, default=64, help="new tokens per answer")
    parser.add_argument("--context", type=int, default=800, help="about how many tokens RAG and Hybrid read")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--precision", choices=("fp32", "bf16", "nf4"), default="fp32")
    parser.add_argument("--cores", type=int, default=1, help="cores each way is pinned to")
    return parser.parse_args()


def find_model(name: str, scratch: Path) -> tuple[Path, Path, str]:
    """The model's folder, its adapter's folder and what to call it."""
    if name == "embedded":
        model = ROOT / "assets" / "model"
        return model, ROOT / "assets" / "adapters" / "clinic-raft", f"embedded model, {size_of(model)}"
    model = make_135m(scratch / "135m") if name == "135m" else Path(name)
    adapter = make_adapter(model, scratch / "adapter")
    label = "random Llama of 135M shape" if name == "135m" else model.name
    return model, adapter, f"{label}, {size_of(model)}, random LoRA r16"


def size_of(model: Path) -> str:
    sys.path.insert(0, str(ROOT))
    from ragft_core.weights import find_weights

    return f"{find_weights(str(model)).parameters / 1e6:.1f} M parameters"


def make_135m(folder: Path) -> Path:
    import shutil

    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir()
    for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(ROOT / "assets" / "model" / file, folder)
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**SHAPE_135M, bos_token_id=1, eos_token_id=5, pad_token_id=0)).save_pretrained(folder)
    return folder


def make_adapter(model: Path, folder: Path) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    tuned = get_peft_model(base, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.03)
    tuned.save_pretrained(folder)
    return folder


def run_child(way: str, model: Path, adapter: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What `three_ways` measured of one way, in a process of its own on the least busy cores."""
    cores = least_busy(options.cores)
    with tempfile.TemporaryDirectory() as home:
        given = vars(options) | {
            "way": way,
            "model": str(model),
            "adapter": str(options.adapter or adapter),
            "home": home,
        }
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.three_ways", json.dumps(given)],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": str(options.cores), "OMP_WAIT_POLICY": "PASSIVE"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    return json.loads(done.stdout.splitlines()[-1])


def least_busy(count: int) -> set[int]:
    """The cores that idled most during the last half second."""

    def idle() -> dict[int, int]:
        lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
        return {int(line[0][3:]): int(line[4]) for line in lines if line[0][:3] == "cpu" and line[0] != "cpu"}

    before = idle()
    time.sleep(0.5)
    rest = {core: ticks - before[core] for core, ticks in idle().items() if core in os.sched_getaffinity(0)}
    return set(sorted(rest, key=lambda core: -rest[core])[:count])


def table(label: str, results: dict[str, Any], options: argparse.Namespace) -> str:
    """The Markdown table of one model."""
    lines = [
        f"\n**{label}**, {options.precision}, {options.tokens} tokens per answer, {options.cores} core(s), "
        f"median of {options.repeats}\n",
        "| way | load s | first token RAG / tuned / hybrid s | all three s | x | without loads s | x "
        "| tokens/s | wall s | x | peak MB | x |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    tutorial = medians(results["tutorial"])
    for way in WAYS:
        row = medians(results[way])
        times = {key: f"{row[key]:.2f} | {tutorial[key] / row[key]:.2f}" for key in ("all", "writing", "wall")}
        first = " / ".join(f"{row[arm]:.2f} ({tutorial[arm] / row[arm]:.1f}x)" for arm in ARMS)
        rate = len(ARMS) * options.tokens / row["writing"]
        load = f"{row['load']:.1f} each time" if way == "tutorial" else f"{row['load']:.1f} once"
        lines.append(
            f"| {way} | {load} | {first} | {times['all']} | {times['writing']} | {rate:.0f} | {times['wall']} "
            f"| {row['peak']:.0f} | {row['peak'] / tutorial['peak']:.2f} |"
        )
    expected = results["tutorial"]["runs"][-1]["tokens"]
    equal = {way: results[way]["runs"][-1]["tokens"] == expected for way in WAYS[1:]}
    words = ", ".join(f"{way}: {'yes' if same else 'NO'}" for way, same in equal.items())
    return "\n".join([*lines, f"\nTokens equal to the tutorial's: {words}"])


def ratios(results: dict[str, Any]) -> str:
    """What the table does not say: the price of three arms against one."""
    three, one, theirs = (medians(results[way]) for way in ("ours", "alone", "resident"))
    resident, own, peak = (three["step"] / theirs["step"], three["step"] / one["step"], three["peak"] / one["peak"])
    return (
        f"One decoding step of three arms: {resident:.2f} of the resident way's step of one arm, {own:.2f} of ours. "
        f"Peak memory of three arms: {peak:.2f} of one."
    )


def medians(result: dict[str, Any]) -> dict[str, float]:
    """Medians over the repeats; `load` is a question's own loads or, where there are none, the one at the start."""
    runs = result["runs"]
    row = {key: statistics.median(run[key] for run in runs) for key in ("load", "all", "writing", "wall", "step")}
    row |= {arm: statistics.median(run["first"][arm] for run in runs) for arm in ARMS if arm in runs[0]["first"]}
    row["load"] = row["load"] or result["once"]
    row["peak"] = result["peak"]
    return row


if __name__ == "__main__":
    main()
