"""Runs, their differences and adapters to tables. Pure functions, tested without a browser."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ragft_core.adapters import AdapterInfo
from ragft_core.training import Run

from .render import ago
from .render_tune import COLOURS, STATES, figure

RUNS_HEAD = (
    "<h2 class='sect'>Runs</h2><p class='sub'>Each run is a folder of its own: data as split, checkpoints, log and "
    "adapter. Mark two to see what differs.</p>"
)
ADAPTERS_HEAD = (
    "<h2 class='sect'>Adapters</h2><p class='sub'>What the Fine-tuned and Hybrid arms can answer with. An adapter "
    "belongs to the base model it was trained on.</p>"
)
NO_RUNS = "<div class='empty'>Runs are listed here once there are some, the newest first.</div>"
NO_ADAPTERS = "<div class='empty'>No adapters yet. A run that ends puts its adapter here.</div>"
NO_DIFF = "<div class='empty'>These two runs had the same data and settings, and came to the same.</div>"
LONGEST = 160  # characters of a value in the table of differences


def run_table(rows: Iterable[tuple[Run, str]], chosen: str = "") -> str:
    """(run, the report's colour) as a table with what can be done with each."""
    shown = "".join(_run_row(run, colour, run.id == chosen) for run, colour in rows)
    if not shown:
        return NO_RUNS
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Training runs'><table class='rows'><thead><tr>"
        "<th><span class='srwrap'>Mark</span></th><th>Run</th><th>State</th><th class='num hide-sm'>Steps</th>"
        "<th class='num hide-sm'>Validation loss</th><th class='hide-sm'>Did it work?</th>"
        f"<th><span class='srwrap'>Actions</span></th></tr></thead><tbody>{shown}</tbody></table></div>"
    )


def _run_row(run: Run, colour: str, chosen: bool) -> str:
    name = escape(run.id)
    kind, word = STATES.get(run.state, ("", run.state))
    light, verdict = COLOURS.get(colour, ("", "&ndash;"))
    when = ago(run.created) if run.created else ""
    return (
        f"<tr{' class=chosen' if chosen else ''}><td><input type='checkbox' data-run='{name}' aria-label='Mark {name}'>"
        f"</td><td><span class='doc'>{name}</span><span class='sub'>{escape(run.recipe)} &middot; {escape(run.preset)} "
        f"&middot; {escape(when)}</span></td><td><span class='status {kind}'>{escape(word)}</span></td>"
        f"<td class='num hide-sm'>{run.step:,} / {run.steps:,}</td><td class='num hide-sm'>{figure(run.eval_loss)}</td>"
        f"<td class='hide-sm'><span class='status {light}'>{verdict}</span></td><td class='rowacts'>"
        f"<button type='button' class='plain' data-act='show' data-name='{name}' aria-label='Show {name}'>Show</button>"
        "</td></tr>"
    )


def differences(a: str, b: str, told: Sequence[Mapping[str, Any]], same: int) -> str:
    """What differs between two runs, as {name, one, other}, and how much does not."""
    if not told:
        return NO_DIFF
    rows = "".join(
        f"<tr><th scope='row'>{escape(str(row['name']).replace('_', ' '))}</th><td>{value(row['one'])}</td>"
        f"<td>{value(row['other'])}</td></tr>"
        for row in told
    )
    return (
        f"<h3 class='subhead'>What differs</h3><p class='sub'>{same} other settings and figures are the same.</p>"
        "<div class='scroll' tabindex='0' role='region' aria-label='Differences of two runs'><table class='rows diff'>"
        f"<thead><tr><th>What</th><th>{escape(a)}</th><th>{escape(b)}</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


PARTS = {"trained": "By heart", "held_out": "Kept out", "reading": "Reading", "forgetting": "General"}


def group_table(rows: Sequence[Mapping[str, Any]], best: str) -> str:
    """The runs of a duel, sweep or curve beside each other; counts are right answers after (before) of those asked."""
    body = "".join(
        f"<tr><th scope='row'>{escape(str(row['label'] or row['run']))}"
        f"{' <span class=status>lowest validation loss</span>' if row['run'] == best else ''}</th>"
        f"<td>{escape(STATES.get(row['state'], ('', row['state']))[1])}</td><td class='num'>{row['rows'] or 0:,}</td>"
        f"<td class='num'>{row['step']:,}</td><td class='num'>{figure(row['validation_best'])}</td>"
        f"{''.join(_counts(row, part) for part in PARTS)}</tr>"
        for row in rows
    )
    heads = "".join(f"<th class='num'>{words}</th>" for words in PARTS.values())
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Runs of the group'><table class='rows diff'><thead>"
        "<tr><th>Run</th><th>State</th><th class='num'>Rows</th><th class='num'>Steps</th>"
        f"<th class='num'>Validation loss</th>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        "<p class='sub'>Right answers after training (before), of those asked. Losses of two recipes cannot be "
        "compared: each is measured on its own lessons.</p>"
    )


def _counts(row: Mapping[str, Any], part: str) -> str:
    asked, after, before = (row.get(f"{part}_{key}") for key in ("asked", "right_after", "right_before"))
    return f"<td class='num'>{'&ndash;' if asked is None else f'{after}/{asked} ({before})'}</td>"


def value(found: Any) -> str:
    if found is None or found == {}:
        return "&ndash;"
    text = f"{found:.5g}" if isinstance(found, float) else str(found)
    return escape(text if len(text) <= LONGEST else text[:LONGEST] + " ...")


def adapter_table(adapters: Sequence[tuple[AdapterInfo, bool]], base_sha256: str) -> str:
    """(adapter, whether it is the user's own); one of another base, or a broken one, says so and cannot be used."""
    shown = "".join(_adapter_row(adapter, own, base_sha256) for adapter, own in adapters)
    if not shown:
        return NO_ADAPTERS
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Adapters'><table class='rows'><thead><tr>"
        "<th>Adapter</th><th class='hide-sm'>Recipe</th><th class='num hide-sm'>Rank</th><th>State</th>"
        f"<th><span class='srwrap'>Actions</span></th></tr></thead><tbody>{shown}</tbody></table></div>"
    )


def unusable(adapter: AdapterInfo, base_sha256: str) -> str:
    """Why an adapter cannot be used with this base; empty when nothing is known against it."""
    if adapter.problem:
        return adapter.problem
    if adapter.base_sha256 and base_sha256 and adapter.base_sha256 != base_sha256:
        return "it was trained on another base model."
    return ""


def _adapter_row(adapter: AdapterInfo, own: bool, base_sha256: str) -> str:
    name, problem = escape(adapter.name), unusable(adapter, base_sha256)
    state = (
        f"<span class='status bad'>Cannot be used</span><span class='sub'>{escape(problem)}</span>"
        if problem
        else "<span class='status good'>Ready</span>"
    )
    use = "" if problem else _button("use", name, "Use in Compare")
    more = [("card", "Card")] + [("export", "Export")] * (not adapter.problem) + [("merge", "Merge")] * (not problem)
    more += [("rename", "Rename"), ("delete", "Delete")] * own
    made = f" &middot; {escape(ago(adapter.created))}" if own and adapter.created else ""
    return (
        f"<tr><td><span class='doc'>{name}</span><span class='sub'>{'yours' if own else 'shipped'}{made}</span></td>"
        f"<td class='hide-sm'>{escape(adapter.recipe) or '&ndash;'}</td>"
        f"<td class='num hide-sm'>{adapter.rank or '&ndash;'}</td><td>{state}</td>"
        f"<td class='rowacts'>{use}{''.join(_button(act, name, words) for act, words in more)}</td></tr>"
    )


def merged(name: str, made: Any) -> str:
    """Where a merged model lies, how exact it is, and how to run it."""
    folder = escape(str(made.folder))
    return (
        f"<p class='sub' role='status'><b>{escape(name)}</b> and its base are one model now, checked: its logits "
        f"differ from the adapter on its base by {made.difference:.1e} at most ({made.rounded:.1e} after rounding as "
        "the base is kept). To run it, start RAGFT with this model:</p>"
        f"<pre class='cmd' tabindex='0' aria-label='How to run the merged model'>RAGFT_MODEL={folder}</pre>"
    )


def _button(act: str, name: str, words: str) -> str:
    return (
        f"<button type='button' class='plain' data-act='{act}' data-name='{name}' "
        f"aria-label='{words}: {name}'>{words}</button>"
    )


def card(name: str, text: str) -> str:
    """An adapter's card, as plain text."""
    words = escape(text) if text else "This adapter has no card."
    return (
        f"<h3 class='subhead'>{escape(name)}</h3><pre class='cmd' tabindex='0' aria-label='Adapter card'>{words}</pre>"
    )
