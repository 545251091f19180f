"""Prints the embedded model's measured table as Markdown: reading, refusing, citing, the demo adapters, speed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from peft import PeftModel
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from embedded import adapters, card, ladder, values
from embedded import tokenizer as tk
from embedded.answering import Probe, answer_all, cites, exact_match, f1, has_value, interval, refused, share
from embedded.clinic import FAREWELL, GREETING
from embedded.export import TARGET as MODEL
from embedded.export import sha256
from embedded.probes import Clinic, everyday_probes, handwritten_probes, lookup_probes, relation_probes, squad_probes

Ask = Callable[[Sequence[Probe]], list[str]]


@dataclass
class Table:
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, measure: str, value: str, count: int | str) -> None:
        self.rows.append((measure, value, str(count)))
        print(f"| {measure} | {value} | {count} |", flush=True)

    def markdown(self) -> str:
        rows = [("measure", "value", "n"), ("---", "---", "---"), *self.rows]
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def name_pieces(tokenizer: Path) -> list[str]:
    """What unseen names are chained from; training also takes whole capitalised pieces for names, these do not."""
    return [piece for piece in tk.word_pieces(tk.load(tokenizer)) if piece.isalpha() and piece.islower()]


def percent(flags: Sequence[bool]) -> str:
    return f"{100 * share(flags):.0f} %"


def right(answers: list[str], probes: Sequence[Probe]) -> list[bool]:
    return [has_value(a, p.gold) for a, p in zip(answers, probes, strict=True)]


def measure_reading(ask: Ask, table: Table, count: int) -> None:
    for passages in (1, 3, 5):
        results = []
        for held_out_forms in (False, True):
            probes = relation_probes(count, passages, held_out_forms)
            answers = ask(probes)
            results.append(percent(right(answers, probes)))
            if passages == 3 and not held_out_forms:
                cited = [cites(a, p.number) for a, p in zip(answers, probes, strict=True)]
                false_refusals = [refused(a) for a in answers]
        table.add(f"value correct, {passages} passages: seen forms / held-out forms", " / ".join(results), count)
    table.add("cites the right passage, 3 passages", percent(cited), count)
    probes = relation_probes(count, 3, True, held_out=True)
    table.add("value correct, relations never trained, 3 passages", percent(right(ask(probes), probes)), count)
    both = [everyday_probes(count, passages) for passages in (1, 3)]
    results = [percent(right(ask(probes), probes)) for probes in both]
    table.add("everyday prose, themes never trained, 1 / 3 passages", " / ".join(results), count)
    says = percent([refused(a) for a in ask(everyday_probes(count, 3, known=False))])
    table.add("everyday prose, says it is not there (same theme, 3 passages)", says, count)
    probes = relation_probes(count, 3, False, known=False)
    says = percent([refused(a) for a in ask(probes)])
    table.add(
        "says it is not there (confusable, 3 passages) / false refusals", f"{says} / {percent(false_refusals)}", count
    )


def measure_lookups(ask: Ask, table: Table, count: int) -> None:
    for rung in ladder.RUNGS:
        probes, absent = (lookup_probes(rung, count, 4, known) for known in (True, False))
        answers = ask(probes)
        cited = [cites(a, p.number) for a, p in zip(answers, probes, strict=True)]
        flags = (right(answers, probes), cited, [refused(a) for a in ask(absent)])
        table.add(
            f"tiny lookups, {rung}, 4 passages: value / passage / absence", " / ".join(map(percent, flags)), count
        )


def measure_human(ask: Ask, table: Table, data: Path) -> None:
    results, count = [], 0
    for passages in (1, 3):
        probes = handwritten_probes(passages)
        results.append(percent(right(ask(probes), probes)))
        count = len(probes)
    table.add("hand-written passages, 1 / 3 passages", " / ".join(results), count)
    probes = handwritten_probes(3, known=False)
    table.add("hand-written, unanswerable refused, 3 passages", percent([refused(a) for a in ask(probes)]), len(probes))
    probes = squad_probes(data)
    if not probes:
        print("no squad_dev_half: that row is left out", flush=True)
        return
    answers = ask(probes)
    exact = [any(exact_match(a, g) for g in p.gold) for a, p in zip(answers, probes, strict=True)]
    overlap = sum(max(f1(a, g) for g in p.gold) for a, p in zip(answers, probes, strict=True)) / len(probes)
    text = f"{percent(right(answers, probes))} / {percent(exact)} / {overlap:.2f}"
    table.add("squad_dev_half, gold passage: contained / EM / F1 (first 200)", text, len(probes))


def in_style(answers: list[str]) -> list[bool]:
    return [a.startswith(GREETING) and a.endswith(FAREWELL) for a in answers]


def with_interval(flags: list[bool]) -> str:
    low, high = interval(flags)
    return f"{percent(flags)} [{100 * low:.0f}, {100 * high:.0f}]"


def measure_clinic(arms: dict[str, Ask], table: Table) -> None:
    clinic = Clinic()
    steady = [f for f in clinic.trained if not f.changed]
    book = {name: ask(clinic.open_book(clinic.facts)) for name, ask in arms.items()}
    probes = clinic.open_book(clinic.facts)
    flags = {name: right(answers, probes) for name, answers in book.items()}
    table.add("base + RAG on the clinic, 3 passages", percent(flags["base"]), len(probes))
    table.add(
        f"the interaction, same questions, with passages: {', '.join(arms)} [95 %]",
        ", ".join(map(with_interval, flags.values())),
        len(probes),
    )
    places = {id(f): i for i, f in enumerate(clinic.facts)}
    trained, paraphrase = clinic.by_heart(steady), clinic.closed(steady, 4)
    for name in [name for name in arms if name != "base"]:
        ask = arms[name]
        closed = ask(trained)
        held_out = ask(paraphrase)
        text = f"{percent(right(closed, trained))} / {percent(right(held_out, paraphrase))}"
        table.add(f"{name} closed book: trained / held-out question forms", text, len(steady))
        stale = clinic.closed(clinic.changed, 4)
        fresh = [flags[name][places[id(f)]] for f in clinic.changed]
        text = f"{percent(right(ask(stale), stale))} / {percent(fresh)}"
        table.add(f"{name} changed facts: stale closed book / new with passages", text, len(stale))
        unseen = [flags[name][places[id(f)]] for f in clinic.fresh]
        table.add(f"{name} never-trained facts with passages", percent(unseen), len(unseen))
        text = f"{percent(in_style(closed + held_out))} / {percent(in_style(book[name]))}"
        table.add(f"{name} house style: without / with passages", text, len(book[name]))
    unseen = [flags["base"][places[id(f)]] for f in clinic.fresh]
    table.add("base never-trained facts with passages", percent(unseen), len(unseen))
    plain_probes = clinic.closed(clinic.trained, 0)
    table.add(
        "base closed book on the clinic", percent(right(arms["base"](plain_probes), plain_probes)), len(plain_probes)
    )


def measure_speed(
    model: PreTrainedModel, ask_all: Callable[[Sequence[Probe], int], list[str]], table: Table, cores: int
) -> None:
    clinic = Clinic()
    probes = clinic.open_book(clinic.facts[:3])
    ask_all(probes, 8)
    started = time.time()
    ask_all(probes, 60)
    size = sum(p.numel() for p in model.parameters())
    table.add(
        f"three answers, up to 60 tokens each, one batch, {cores} cores ({size:,} parameters)",
        f"{time.time() - started:.1f} s",
        3,
    )


def measure_nf4(folder: Path, ask: Ask, tokenizer: PreTrainedTokenizerBase, table: Table, count: int) -> None:
    """Which answers change when the base is loaded in 4 bits."""
    settings = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32)
    small = AutoModelForCausalLM.from_pretrained(folder, quantization_config=settings, device_map="cpu").eval()
    probes = relation_probes(count, 3, False)
    whole, quantised = ask(probes), answer_all(small, tokenizer, probes)
    changed = [a != b for a, b in zip(whole, quantised, strict=True)]
    values_right = f"{percent(right(whole, probes))} / {percent(right(quantised, probes))}"
    table.add("NF4 against full precision: answers changed", percent(changed), count)
    table.add("value correct on these, full / NF4", values_right, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--adapters", type=Path, default=adapters.TARGET, help="a folder of adapters, all measured")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--parts", nargs="+", default=["reading", "human", "clinic", "speed"])
    parser.add_argument("--card", action="store_true", help="also put the table into the model's README.md")
    parser.add_argument("--show", type=int, default=0, help="print this many hand-written answers")
    a = parser.parse_args()
    torch.set_num_threads(a.cores)
    tokenizer = AutoTokenizer.from_pretrained(a.model)
    values.use_pieces(name_pieces(a.model / "tokenizer.json"))
    base = AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32).eval()
    table = Table()
    print("| measure | value | n |\n|---|---|---|", flush=True)
    table.add("weights (beginning of their sha256)", sha256(a.model / "model.safetensors")[:12], "-")

    def ask(probes: Sequence[Probe]) -> list[str]:
        return answer_all(base, tokenizer, probes)

    if "reading" in a.parts:
        measure_reading(ask, table, a.n)
    if "lookups" in a.parts:
        measure_lookups(ask, table, a.n)
    if "human" in a.parts:
        measure_human(ask, table, a.data)
    if "speed" in a.parts:
        measure_speed(base, lambda p, most: answer_all(base, tokenizer, p, most), table, a.cores)
    if "nf4" in a.parts:
        measure_nf4(a.model, ask, tokenizer, table, a.n)
    for probe in handwritten_probes(1)[: a.show]:
        print(probe.question, "->", ask([probe])[0])
    if "clinic" in a.parts:
        names = sorted((file.parent.name for file in a.adapters.glob("*/adapter_config.json")), reverse=True)
        tuned = PeftModel.from_pretrained(base, a.adapters / names[0], adapter_name=names[0])
        for name in names[1:]:
            tuned.load_adapter(str(a.adapters / name), adapter_name=name)
        tuned.eval()

        def arm(name: str) -> Ask:
            def inner(probes: Sequence[Probe]) -> list[str]:
                if name == "base":
                    with tuned.disable_adapter():
                        return answer_all(tuned, tokenizer, probes)
                tuned.set_adapter(name)
                return answer_all(tuned, tokenizer, probes)

            return inner

        measure_clinic({name: arm(name) for name in ("base", *names)}, table)
    if a.card:
        command = f"`python -m embedded.measure --n {a.n} --cores {a.cores}`"
        note = f"\n\n{command}, greedy; the question sets are drawn from fixed seeds."
        card.put_table(a.model / "README.md", table.markdown() + note)


if __name__ == "__main__":
    main()
