"""Core values to the HTML that the page shows. Pure functions, tested without a browser."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Literal

from ragft_core.types import ARMS, Answer, Arm, Comparison, Passage, Status

from .markup import live_markdown, markdown_html, marked_html, shared_spans, word_spans

Part = Literal["head", "body", "figures", "sources", "prompt"]
PARTS: tuple[Part, ...] = ("head", "body", "figures", "sources", "prompt")
ARM = {arm.key: arm for arm in ARMS}

STATES = {
    "waiting": ("", "Waiting"),
    "retrieving": ("on", "Retrieving"),
    "reading": ("on", "Reading"),
    "writing": ("on", "Writing"),
    "done": ("done", "&#10003; Done"),
    "stopped": ("stopped", "&#9632; Stopped"),
    "failed": ("failed", "Failed"),
}
SKELETON = "".join(f"<div class='skeleton' style='width:{width}%'></div>" for width in (96, 88, 64))
LOGO = (
    "<svg width='30' height='30' viewBox='0 0 32 32' aria-hidden='true'><rect width='32' height='32' rx='8' "
    "fill='var(--ink)'/><rect x='7' y='9' width='4.6' height='14' rx='2.3' fill='#2dd4bf'/><rect x='13.7' y='6' "
    "width='4.6' height='20' rx='2.3' fill='#fbbf24'/><rect x='20.4' y='11' width='4.6' height='10' rx='2.3' "
    "fill='#a78bfa'/></svg>"
)
SUN = (
    "<svg width='16' height='16' viewBox='0 0 24 24' fill='none' stroke='currentColor' stroke-width='2' "
    "stroke-linecap='round' aria-hidden='true'><circle cx='12' cy='12' r='4'/><path d='M12 2v2M12 20v2M4.9 4.9l1.4 "
    "1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4'/></svg>"
)
STAGES = {
    "dense": ("similarity", "cosine of question and passage, at most 1", "{:.2f}"),
    "keyword": ("keywords", "BM25, higher is better", "{:.1f}"),
    "fused": ("fused", "both ranks together; decides the order", "{:.4f}"),
}


def switches(arm: Arm) -> str:
    """What an arm is, in a few words under its name."""
    model = "LoRA adapter" if arm.adapted else "Base model"
    return f"{model} + retrieval" if arm.retrieves else f"{model}, no retrieval"


def promise(arm: Arm) -> str:
    """What an arm's panel will show, for the empty page."""
    if arm.retrieves and arm.adapted:
        return "The adapter reads the retrieved passages and cites them."
    if arm.retrieves:
        return "Answers from passages found in your documents, with citations."
    if arm.adapted:
        return "Answers from what the adapter learned in training. Shows no sources."
    return "The model as it came, with neither documents nor adapter: the control."


# ---------------------------------------------------------------- one panel


def panel(answer: Answer, question: str = "", fastest: bool = False) -> dict[Part, str]:
    """Every part of one arm's panel."""
    arm = ARM[answer.arm]
    return {
        "head": head(arm, answer.state),
        "body": body(answer),
        "figures": figures(answer, fastest),
        "sources": sources(answer, question),
        "prompt": prompt(answer),
    }


def skeleton(shown: Sequence[str]) -> str:
    """The panels of all arms, those that are not `shown` hidden; every part is filled in again by its name."""
    cards = []
    for arm in ARMS:
        parts = "".join(
            f"<div class='part part-{part}' data-part='{arm.key}-{part}'>{html}</div>"
            for part, html in empty_panel(arm).items()
        )
        hidden = "" if arm.key in shown else " hidden"
        opening = f"<section class='syscard {arm.key}' data-arm='{arm.key}' aria-label='{arm.label}'{hidden}>"
        cards.append(f"{opening}{parts}</section>")
    return f"<div class='cards' data-arms='{len(shown)}'>{''.join(cards)}</div>"


def empty_panel(arm: Arm) -> dict[Part, str]:
    """A panel before the first question."""
    return {
        "head": head(arm),
        "body": f"<div class='empty'>{promise(arm)}</div>",
        "figures": "<div class='chips'><span class='chip'>No run yet</span></div>",
        "sources": sources(Answer(arm.key)),
        "prompt": "",
    }


def head(arm: Arm, state: str = "") -> str:
    kind, word = STATES.get(state, ("", ""))
    spinner = "<span class='rspin'></span>" if kind == "on" else ""
    shown = f"<span class='state {kind}' data-state='{state}'>{spinner}{word}</span>" if word else ""
    return (
        f"<div class='phead'><span class='glyph' aria-hidden='true'>{arm.label[0]}</span>"
        f"<div><h2 class='t'>{arm.label}</h2><div class='s'>{switches(arm)}</div></div>{shown}</div>"
    )


def body(answer: Answer) -> str:
    if answer.state == "failed":
        text = markdown_html(live_markdown(answer.text), 0) if answer.text else ""
        return f"<div class='answer'>{text}</div>{problem(answer.error)}"
    if not answer.text:
        words = {"stopped": "Stopped before it began.", "done": "The model wrote nothing."}.get(answer.state)
        return f"<div class='empty'>{words}</div>" if words else SKELETON
    text = answer.text if answer.state == "done" else live_markdown(answer.text)
    rest = " …" if answer.state == "stopped" else ""
    shown = markdown_html(text + rest, len(answer.passages) - answer.left_out)
    note = "Cut at the longest answer allowed (Run settings)." if answer.finish == "length" else ""
    return f"<div class='answer'>{shown}</div>" + (f"<div class='sub'>{note}</div>" if note else "")


def loading_body(status: Status) -> str:
    """A panel's body while the model is not there yet."""
    return f"<div class='empty'>{escape(status.message)} &hellip; the answer follows.</div>{SKELETON}"


def figures(answer: Answer, fastest: bool = False) -> str:
    if answer.first_token_seconds is None:
        reading = f"<b>{answer.prompt_tokens}</b> tokens in" if answer.prompt_tokens else "No figures yet"
        return f"<div class='chips'><span class='chip'>{reading}</span></div>"
    writing = answer.seconds - answer.first_token_seconds
    rate = f"{(answer.tokens - 1) / writing:.1f}" if answer.tokens > 1 and writing > 0 else "&ndash;"
    chips = [
        ("", f"First token <b>{answer.first_token_seconds:.2f} s</b>"),
        (" best" if fastest else "", f"Total <b>{answer.seconds:.2f} s</b>"),
        ("", f"<b>{answer.prompt_tokens}</b> in, <b>{answer.tokens}</b> out"),
        ("", f"<b>{rate}</b> tok/s"),
    ]
    shown = "".join(f"<span class='chip{kind}'>{text}</span>" for kind, text in chips)
    return (
        f"<div class='chips' title='Seconds to the first and to the last word; tokens read and written'>{shown}</div>"
    )


def sources(answer: Answer, question: str = "") -> str:
    arm, final = ARM[answer.arm], answer.state == "done"
    if not answer.passages:
        words = "Passages will appear here." if arm.retrieves else "None. This arm answers from its weights only."
        return f"<div class='sources'><h3><span>Sources</span></h3><div class='empty'>{words}</div></div>"
    cited = answer.cited if final else None
    rows = passage_rows(answer.passages, question, answer.text if final else "", cited, answer.left_out)
    count = f"{len(answer.passages)} passage{'s' if len(answer.passages) != 1 else ''}"
    left_out = ""
    if answer.left_out:
        left_out = (
            f"<p class='sub'>{answer.left_out} of them did not fit the model's context window and "
            f"{'was' if answer.left_out == 1 else 'were'} left out, lowest rank first.</p>"
        )
    return f"<div class='sources'><h3><span>Sources</span><span>{count}</span></h3>{left_out}{rows}</div>"


def prompt(answer: Answer) -> str:
    if not answer.prompt:
        return ""
    return (
        "<details class='prompt'><summary>Exact prompt</summary>"
        f"<pre tabindex='0' aria-label='Exact prompt of {ARM[answer.arm].label}'>{escape(answer.prompt)}</pre>"
        "</details>"
    )


# ---------------------------------------------------------------- passages


def passage_rows(
    passages: Sequence[Passage], question: str, answer: str = "", cited: Sequence[int] | None = None, left_out: int = 0
) -> str:
    """One disclosure per passage; `cited` None means that nothing is known yet about citations."""
    best = max((passage.score for passage in passages), default=0.0)
    read = len(passages) - left_out
    rows = []
    for n, passage in enumerate(passages, 1):
        mark = "left out" if n > read else "not cited" if cited is not None and n not in cited else ""
        rows.append(_passage_row(n, passage, best, mark, _spans(passage.text, question, answer)))
    return "".join(rows)


def _passage_row(n: int, passage: Passage, best: float, mark: str, spans: list[tuple[int, int]]) -> str:
    score, share, meaning = strength(passage, best)
    where = [escape(passage.source)] + ([f"page {passage.page}"] if passage.page else [])
    badge = f"<span class='un'>{mark}</span>" if mark else ""
    return (
        f"<details class='src{' unused' if mark else ''}' data-n='{n}'><summary><span class='n'>{n}</span>"
        f"<span class='ttl'>{escape(passage.title or passage.source)}</span>{badge}"
        f"<span class='sc' title='{meaning}'><span class='bar' aria-hidden='true'>"
        f"<i style='width:{share:.0%}'></i></span>{score}</span></summary>"
        f"<div class='txt'>{marked_html(passage.text, spans)}"
        f"<div class='meta'>{' &middot; '.join([*where, *_stages(passage)])}</div></div></details>"
    )


def strength(passage: Passage, best: float) -> tuple[str, float, str]:
    """How well a passage fits, to show at a glance: the number, the bar's length (0 to 1) and what they mean."""
    similarity = passage.scores.get("dense")
    if similarity is None:
        share = passage.score / best if best > 0 else 0.0
        return f"{passage.score:.2f}", min(max(share, 0.0), 1.0), "Score; the bar is relative to the best passage"
    meaning = "Similarity to the question, at most 1; the order counts keywords too"
    return f"{similarity:.2f}", min(max(similarity, 0.0), 1.0), meaning


def _stages(passage: Passage) -> list[str]:
    """What each retrieval stage gave, each with an explanation on hover."""
    shown = []
    for stage, score in passage.scores.items():
        name, meaning, pattern = STAGES.get(stage, (escape(stage), "", "{:.3f}"))
        shown.append(f"<span title='{meaning}'>{name} {pattern.format(score)}</span>")
    return shown


def _spans(text: str, question: str, answer: str) -> list[tuple[int, int]]:
    """The words of the passage that the answer took over; without any, those of the question."""
    return (shared_spans(text, answer) if answer else []) or word_spans(text, question)


# ---------------------------------------------------------------- a whole comparison


def fastest_arm(comparison: Comparison) -> str | None:
    """The arm that was done first, once all have ended well; None while that is open or there is no race."""
    done = [answer for answer in comparison.answers if answer.state == "done" and answer.tokens]
    if len(done) < 2 or len(done) < len(comparison.answers):
        return None
    return min(done, key=lambda answer: answer.seconds).arm


def run_line(comparison: Comparison) -> str:
    """What is said under the panels when a run has ended."""
    setup = comparison.setup
    names = ("base_model", "precision", "device", "adapter", "collection", "max_new_tokens", "temperature")
    said = [
        f"{name.replace('_', ' ')} {escape(str(setup[name]))}" for name in names if setup.get(name) not in (None, "")
    ]
    searched = {name: setup.get(name) or [] for name in ("steps", "where")}
    said += [f"search {name} {escape(', '.join(given))}" for name, given in searched.items() if given]
    warning = f"<div class='notice'><span>{escape(comparison.low_evidence)}</span></div>"
    return (
        f"{warning if comparison.low_evidence else ''}<div id='run_line' data-run='{escape(comparison.id)}'>"
        "<p>The arms wrote together in one batch, so their times are those of a shared run.</p>"
        f"<p class='sub'>{' &middot; '.join([*said, escape(ago(comparison.created))])}</p></div>"
    )


def problem(sentence: str) -> str:
    """Why something was not done, where it was asked for."""
    return f"<div class='problem' role='alert'>{escape(sentence)}</div>"


def announcement(comparison: Comparison) -> str:
    """The states in a sentence, for screen readers; changes when a state changes, not with every token."""
    return " ".join(
        f"{ARM[answer.arm].label}: {STATES[answer.state][1].rpartition(' ')[2] or answer.state}."
        for answer in comparison.answers
    )


def history_list(comparisons: Iterable[Comparison]) -> str:
    rows = [
        f"<li><a href='?run={escape(c.id)}' data-run='{escape(c.id)}'><span class='q'>{escape(c.question)}</span>"
        f"<span class='when'>{''.join(_dot(a) for a in c.answers)}<time>{escape(ago(c.created))}</time></span></a></li>"
        for c in comparisons
    ]
    if not rows:
        return "<div class='empty'>Questions will be listed here, to be opened again without asking the model.</div>"
    return f"<ol class='history'>{''.join(rows)}</ol>"


def _dot(answer: Answer) -> str:
    arm = ARM[answer.arm]
    return f"<span class='mini {arm.key}' title='{arm.label}: {answer.state}'>{arm.label[0]}</span>"


def ago(created: str, now: datetime | None = None) -> str:
    """How long ago an ISO moment was, in words; the moment itself when it cannot be read."""
    try:
        seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(created)).total_seconds()
    except (ValueError, TypeError):
        return created
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"
