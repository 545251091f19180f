"""A checked file of examples to HTML: what is wrong with it, how it is split, and a row as the model will see it."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ragft_core.examples.check import Check
from ragft_core.examples.lint import KINDS

from .render_rate import count

LINES_SHOWN = 12  # line numbers per kind of problem
PROBLEMS_SHOWN = 200  # in the full list
CELL = 120  # characters of a table's cell in the mapping's preview
PASSAGE = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)

HEAD = (
    "<h2 class='sect'><span class='stepno'>1</span> Examples</h2><p class='sub'>Questions with the answers you want. "
    "JSONL (question, answer, and if you like context), chats, CSV, TSV or XLSX. They stay on this machine.</p>"
)
EMPTY = (
    "<div class='empty'><b>No examples yet.</b> Upload a file, or try it with the demo's: 1,410 questions, 910 of them "
    "about an invented clinic. What is wrong with a file is listed here, with lines, before anything is trained.</div>"
)
DROPPED = {"duplicate", "near duplicate", "leakage"}
LESSONS = {
    "closed": ("Closed book", "No passages: the model is to know the answer. The Fine-tuned arm is asked like this."),
    "golden": ("With the golden passage", "The passage that answers is among the passages. Hybrid is asked like this."),
    "counterfactual": (
        "With a changed passage",
        "Another value stands in passage and answer alike, or it is about an invented name, so that the model trusts "
        "what it reads over what it knows and copies words that are new to it.",
    ),
    "absent": ("Without the golden passage", "Only distractors: passages that look right and do not answer."),
}


def found(checked: Check) -> str:
    """The verdict on a file, its problems by kind, and its split."""
    rows = len(checked.reading.rows)
    kinds: dict[str, list[Any]] = {}
    for problem in checked.problems:
        kinds.setdefault(problem.kind, []).append(problem)
    blocking = len(checked.blocking)
    notes = len(checked.problems) - blocking
    if blocking:
        verdict, colour = f"{count(blocking, 'blocking problem')}: mend them, or take the clean copy.", "bad"
    else:
        verdict, colour = "Nothing is in the way of training.", "good"
    also = f" {count(notes, 'note')} that {'is' if notes == 1 else 'are'} worth a look." if notes else ""
    table = problem_table(kinds) if kinds else ""
    return (
        f"<p class='verdict {colour}'>{count(rows, 'row')}. {verdict}{also}</p>{table}{every(checked.problems)}"
        f"{split_bar(checked.split.counts(), checked.split.how) if checked.reading.kind == 'training' else EVALUATION}"
    )


EVALUATION = (
    "<div class='problem'>This is an evaluation set (it has several answers, or unanswerable questions). Training on "
    "it would spoil it; choose it under &ldquo;Must not share rows with&rdquo; instead.</div>"
)


def problem_table(kinds: Mapping[str, Sequence[Any]]) -> str:
    rows = []
    for kind, problems in sorted(kinds.items(), key=lambda item: not any(p.blocking for p in item[1])):
        blocking = any(problem.blocking for problem in problems)
        lines = [str(problem.line) for problem in problems if problem.line]
        more = f" and {len(lines) - LINES_SHOWN:,} more" if len(lines) > LINES_SHOWN else ""
        mark = "<span class='status bad'>blocking</span>" if blocking else "<span class='status warn'>note</span>"
        rows.append(
            f"<tr><td><span class='doc'>{escape(kind)}</span>"
            f"<span class='sub'>{escape(KINDS.get(kind, ''))}</span></td>"
            f"<td>{mark}</td><td class='num'>{len(problems):,}</td>"
            f"<td>{', '.join(lines[:LINES_SHOWN])}{more}</td></tr>"
        )
    return (
        "<div class='scroll low' tabindex='0' role='region' aria-label='Problems by kind'><table class='rows'><thead>"
        "<tr><th>Problem</th><th>Weight</th><th class='num'>Rows</th><th>Lines</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def every(problems: Sequence[Any]) -> str:
    """All problems in words, folded away."""
    if not problems:
        return ""
    items = "".join(
        f"<li><b>Line {problem.line}</b> {'(blocking) ' if problem.blocking else ''}{escape(problem.message)}</li>"
        for problem in problems[:PROBLEMS_SHOWN]
    )
    rest = len(problems) - PROBLEMS_SHOWN
    more = f"<li>And {rest:,} more; <code>ragft check</code> lists them all.</li>" if rest > 0 else ""
    listed = f"<ol class='plainlist'>{items}{more}</ol>"
    return f"<details class='more'><summary>Every problem in words</summary>{listed}</details>"


def split_bar(counts: Mapping[str, int], how: str) -> str:
    """How many rows train, how many watch, how many are kept for the test."""
    words = {"train": "train", "validation": "watch for learning by heart", "test": "kept for a test"}
    parts = "".join(
        f"<i class='{name}' style='flex-grow:{counts.get(name, 0)}'></i>" for name in words if counts.get(name)
    )
    told = ", ".join(f"<b>{counts.get(name, 0):,}</b> {text}" for name, text in words.items() if counts.get(name))
    return f"<div class='splitbar' aria-hidden='true'>{parts}</div><p class='sub'>{told}. {escape(how)}</p>"


def cleaned(name: str, dropped: Mapping[str, Sequence[int]]) -> str:
    """What a clean copy left out."""
    items = "".join(
        f"<li><b>{len(lines):,} {escape(kind)}</b>: line{'s' * (len(lines) > 1)} "
        f"{', '.join(map(str, lines[:LINES_SHOWN]))}{' ...' * (len(lines) > LINES_SHOWN)}</li>"
        for kind, lines in dropped.items()
    )
    return (
        f"<div class='notice'><span><b>Clean copy made and chosen: {escape(name)}.</b> The file you gave is as it was. "
        f"Left out:<ul class='plainlist'>{items}</ul></span></div>"
    )


def table_head(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first lines of a table, to choose columns by."""
    titles = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell[:CELL])}{'&hellip;' * (len(cell) > CELL)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        "<div class='scroll low' tabindex='0' role='region' aria-label='First lines of the table'><table class='rows'>"
        f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )


PROPOSE_HEAD = (
    "<p class='sub'>The loaded model asks about passages of your index; the answer is a sentence of the passage, word "
    "by word. Read every pair: what speaks against one is told. Only what you mark becomes an example.</p>"
)


def proposals(found: Sequence[Any]) -> str:
    """Proposed pairs to be marked and edited, each with its source and what speaks against it."""
    if not found:
        return "<div class='empty'>No passage had a sentence that can stand as an answer.</div>"
    rows = "".join(
        f"<li data-id='{escape(one.id)}'><label><input type='checkbox'{'' if one.doubts else ' checked'}> Take</label>"
        f"<textarea class='pq' rows='2' maxlength='4000' aria-label='Question {n}'>{escape(one.question)}</textarea>"
        f"<textarea class='pa' rows='3' maxlength='8000' aria-label='Answer {n}'>{escape(one.answer)}</textarea>"
        f"<span class='sub'>{escape(one.source)}{f', page {one.page}' if one.page else ''}</span>"
        f"{''.join(f'<span class=doubt>{escape(doubt)}</span>' for doubt in one.doubts)}</li>"
        for n, one in enumerate(found, 1)
    )
    return f"<ol class='plainlist proposals'>{rows}</ol>"


# ---------------------------------------------------------------- a row as the model sees it


def lesson(told: Mapping[str, Any], kinds: Mapping[str, int]) -> str:
    """One lesson: what it is, its passages by role, and every token, those that carry the loss marked."""
    if not told:
        return "<div class='empty'>Nothing to show: no row can be trained on.</div>"
    name, words = LESSONS.get(told["kind"], (told["kind"], ""))
    share = "".join(
        f"<span class='chip'><b>{number:,}</b> {escape(LESSONS.get(kind, (kind, ''))[0].lower())}</span>"
        for kind, number in kinds.items()
    )
    return (
        f"<p class='sub'>Lesson <b>{told['place'] + 1:,}</b> of {told['of']:,} in the first round: "
        f"<b>{escape(name)}</b>. {escape(words)}</p><div class='chips flat'>{share}</div>{passages(told)}{tokens(told)}"
    )


def passages(told: Mapping[str, Any]) -> str:
    """The passages that stand in the prompt, each told apart as golden or distractor."""
    content = next((m["content"] for m in reversed(told["messages"]) if m["role"] == "user"), "")
    context, mark, _ = content.partition("\n\nQuestion: ")
    if not mark or not context.startswith("Context:\n"):
        return ""
    rows = []
    for place, text in PASSAGE.findall(context):
        golden = told["kind"] != "absent" and text not in told["negatives"]
        role = "<span class='status good'>golden</span>" if golden else "<span class='status'>distractor</span>"
        rows.append(f"<li><b>[{place}]</b> {role} {escape(text)}</li>")
    return f"<ul class='plainlist passages'>{''.join(rows)}</ul>"


def tokens(told: Mapping[str, Any]) -> str:
    parts: list[str] = []
    loss: bool | None = None
    for token in told["tokens"]:
        if token["loss"] != loss:
            parts.append(("</span>" if parts else "") + f"<span class='{'loss' if token['loss'] else 'read'}'>")
            loss = token["loss"]
        parts.append(f"<i>{escape(token['text'])}</i>")
    return (
        f"<pre class='tokens' tabindex='0' aria-label='The row as tokens'>{''.join(parts)}</span></pre>"
        f"<p class='sub'>{told['length']:,} tokens; the model is trained on the <b>{told['loss_tokens']:,}</b> marked "
        "ones (the answer and its end). The others it only reads.</p>"
    )
