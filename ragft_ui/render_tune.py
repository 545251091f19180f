"""A training run to HTML: how it goes, its curves, sample answers, and in plain words whether it worked."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ragft_core.training import Run
from ragft_core.training.curves import Curves
from ragft_core.training.estimate import Estimate
from ragft_core.training.plan import Plan

from .chart import Line, chart, number
from .render_rate import count

PUBLIC = (
    "This is a public demo: fine-tuning is off here, and its runs and examples are not shown. "
    "Run RAGFT yourself to train on your own examples."
)
NO_RUN = (
    "<div class='empty'><b>No run yet.</b> Choose examples and start a smoke test: it takes a minute or two on a CPU "
    "and shows that data, model and adapter fit together. Curves, sample answers and a verdict appear here.</div>"
)
STATES = {
    "queued": ("warn", "Waiting"),
    "starting": ("busy", "Starting"),
    "running": ("busy", "Running"),
    "stopping": ("warn", "Stopping"),
    "stopped": ("warn", "Stopped"),
    "done": ("good", "Done"),
    "failed": ("bad", "Failed"),
}
COLOURS = {"green": ("good", "Good"), "amber": ("warn", "Look"), "red": ("bad", "Bad")}
VERDICTS = {
    "green": "It worked.",
    "amber": "It worked in part: look at what is marked before you rely on it.",
    "red": "It did not work as it should: read what is marked.",
}
SMOKE = (
    "<p class='sub'>This was a smoke test: it shows that everything fits together, and is too short to teach much. "
    "Take the size Small for an adapter to use.</p>"
)
NAMES = {
    "validation": "Held-out rows",
    "trained": "Trained questions",
    "held_out": "Questions kept out",
    "reading": "Reading passages",
    "style": "Style",
    "memorisation": "Learnt by heart?",
    "forgetting": "What was forgotten",
}


def seconds(value: float) -> str:
    """A duration as people say it."""
    if value < 90:
        return f"{value:.0f} s"
    if value < 5400:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h"


def size(value: float) -> str:
    return f"{value / 1e9:.1f} GB" if value >= 1e9 else f"{value / 1e6:.1f} MB"


def pill(state: str) -> str:
    kind, word = STATES.get(state, ("", state))
    sign = "<span class='rspin'></span>" if kind == "busy" else f"<span class='dot {kind}'></span>"
    return f"<span class='pill runstate' data-state='{escape(state)}'>{sign}{escape(word)}</span>"


# ---------------------------------------------------------------- before


def cost(plan: Plan, found: Estimate) -> str:
    """What a run will take, and where that figure comes from."""
    rounds = f"{plan.epochs:.1f}".removesuffix(".0")
    problem = f"<div class='problem'>{escape(found.problem)}</div>" if found.problem else ""
    return (
        f"<p class='sub estimate'>Estimate: about <b>{seconds(found.seconds)}</b> of an undisturbed machine, "
        f"<b>{size(found.memory_bytes)}</b> of memory, an adapter of <b>{size(found.adapter_bytes)}</b>. "
        f"{count(found.steps, 'step')} ({rounds} rounds over the rows), learning rate {number(plan.learning_rate)}, "
        f"trained in {'the best precision here' if plan.precision == 'auto' else escape(plan.precision)}. "
        f"Speed {escape(found.basis)}.</p>{problem}"
    )


def command(words: str, note: str = "") -> str:
    below = f"<p class='sub'>{escape(note)}</p>" if note else ""
    return (
        "<details class='more'><summary>The same from a terminal</summary>"
        f"<pre class='cmd' tabindex='0'>{escape(words)}</pre>{below}</details>"
    )


def run_command(run: Run) -> str:
    """The exact command of a run's process, and where its files are."""
    return command(f"{run.command}", f"What the run's process runs; its data, checkpoints and log are in {run.folder}.")


# ---------------------------------------------------------------- while


def progress(run: Run, curves: Curves) -> str:
    """Name, state, how far, and the figures of now."""
    part = round(100 * run.step / run.steps) if run.steps else 0
    speed = [value for _, value in curves.speed[-20:]]
    figures = [
        ("Step", f"{run.step:,} / {run.steps:,}"),
        ("Training loss", figure(run.train_loss)),
        ("Validation loss", figure(run.eval_loss)),
        ("Trained for", seconds(run.seconds) if run.seconds else "&ndash;"),
        ("Time left", seconds(run.eta_seconds) if run.eta_seconds else "&ndash;"),
        ("Tokens/s", f"{sum(speed) / len(speed):,.0f}" if speed else "&ndash;"),
    ]
    tiles = "".join(f"<div><span>{name}</span><b>{value}</b></div>" for name, value in figures)
    recipe = run.recipe.upper() if run.recipe in ("sft", "raft") else run.recipe
    what = f"{escape(recipe)} &middot; {escape(run.preset)}"
    said = f"<p class='runmessage {'failed' if run.state == 'failed' else ''}'>{escape(run.message)}</p>"
    return (
        f"<div class='runhead' data-run='{escape(run.id)}' data-state='{escape(run.state)}' data-step='{run.step}'>"
        f"<h2 class='sect'>{escape(run.id)}</h2>{pill(run.state)}<span class='sub'>{what}</span>"
        f"<div class='progress' role='progressbar' aria-label='Training' aria-valuemin='0' aria-valuemax='100' "
        f"aria-valuenow='{part}'><i style='width:{part}%'></i></div></div><div class='tiles'>{tiles}</div>{said}"
    )


def figure(value: float | None) -> str:
    return "&ndash;" if value is None else f"{value:.3f}"


def drawn(curves: Curves, steps: int) -> str:
    """The loss over the steps, large, and learning rate, gradient norm and speed beside each other."""
    loss = [Line("training", "train", curves.loss), Line("validation", "validation", curves.validation, dots=True)]
    small = [
        ("Learning rate", "rate", curves.learning_rate),
        ("Gradient norm", "norm", curves.grad_norm),
        ("Tokens per second", "speed", curves.speed),
    ]
    beside = "".join(chart(name, [Line(name, kind, points)], steps, small=True) for name, kind, points in small)
    return f"{chart('Loss', loss, steps, mark=curves.best_step)}<div class='charts'>{beside}</div>"


def samples(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """What the model writes for a few held-out questions, the latest evaluation's answers and earlier ones below."""
    told = [event for event in evaluations if event.get("samples")]
    if not told:
        return ""
    latest, rows = told[-1], []
    for n, sample in enumerate(latest["samples"]):
        before = [
            f"<li><b>step {event['step']}</b> {escape(str(event['samples'][n].get('answer', '')))}</li>"
            for event in told[-4:-1]
            if n < len(event["samples"])
        ]
        earlier = f"<ul class='plainlist sub'>{''.join(reversed(before))}</ul>" if before else ""
        rows.append(
            f"<li><p class='sq'>{escape(question_of(sample))}</p>"
            f"<p><b>Writes:</b> {escape(str(sample.get('answer')))}</p>"
            f"<p class='sub'><b>Expected:</b> {escape(str(sample.get('expected')))}</p>{earlier}</li>"
        )
    return (
        f"<h3 class='subhead'>Sample answers at step {latest['step']}</h3><ol class='plainlist samples'>"
        f"{''.join(rows)}</ol>"
    )


def question_of(sample: Mapping[str, Any]) -> str:
    """The question alone, without the passages that stand before it."""
    return str(sample.get("question", "")).rpartition("Question: ")[2]


# ---------------------------------------------------------------- after


def report(found: Mapping[str, Any], preset: str = "") -> str:
    """Did it work? The verdict, each finding with its colour in words, and answers before and after."""
    if not found:
        return ""
    colour = str(found.get("colour"))
    kind, _ = COLOURS.get(colour, ("", ""))
    items = "".join(map(finding, found.get("findings", ())))
    return (
        f"<h3 class='subhead'>Did it work?</h3><p class='verdict {kind}'>{VERDICTS.get(colour, escape(colour))}</p>"
        f"{SMOKE if preset == 'smoke' else ''}<ul class='findings'>{items}</ul>{before_after(found.get('figures', {}))}"
    )


def finding(one: Mapping[str, Any]) -> str:
    kind, word = COLOURS.get(str(one.get("colour")), ("", str(one.get("colour"))))
    name = str(one.get("name"))
    title = NAMES.get(name, name.replace("_", " ").capitalize())
    return (
        f"<li><span class='signal {kind}'>{escape(word)}</span><div><b>{escape(title)}</b> "
        f"{escape(str(one.get('message')))}</div></li>"
    )


def before_after(figures: Mapping[str, Any]) -> str:
    """Answers to held-out questions (else trained ones) without passages, before and after."""
    recall = figures.get("held_out") or figures.get("trained") or {}
    rows = "".join(
        f"<tr><td>{escape(str(one.get('question')))}</td><td>{escape(str(one.get('before')))}</td>"
        f"<td>{escape(str(one.get('after')))}</td><td>{escape(str(one.get('expected')))}</td></tr>"
        for one in recall.get("examples", ())
    )
    if not rows:
        return ""
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Answers before and after'><table class='rows'>"
        "<thead><tr><th>Question kept out</th><th>Before</th><th>After</th><th>Expected</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )
