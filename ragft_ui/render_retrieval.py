"""A search's trace, a document's chunks and the index's health to HTML. Pure functions, tested without a browser."""

from collections.abc import Sequence
from html import escape

from ragft_core.retrieval.care import Health
from ragft_core.retrieval.lookup import Piece
from ragft_core.searches import Stage, Trace

from .render import ago, passage_rows

ROWS = 15  # passages of a trace's table
PIECES = 200  # chunks shown of one document

PROBE_HEAD = (
    "<h2 class='sect'>Try the search</h2><p class='sub'>Shows which passages a question finds, and what every step "
    "gave them or dropped. Needs no language model, unless a step that writes or reads is on.</p>"
)
NOTHING_FOUND_YET = "<div class='empty'>Passages will appear here, best first, with what each step gave them.</div>"
CHUNKS_HEAD = (
    "<h2 class='sect'>Passages of a document</h2><p class='sub'>How a document was cut. Choose a passage to change "
    "its words: it is embedded again at once, and RAG and Hybrid read the new text. The file itself stays as it is.</p>"
)
NO_DOCUMENT = "<div class='empty'>Choose a document to see where its passages begin and end.</div>"
HEALTH_HEAD = (
    "<h2 class='sect'>Health of the index</h2><p class='sub'>The database has every passage and its vector; the vector "
    "index (Chroma) is made from it and can be made anew at any time.</p>"
)
LABELS = {
    "sub-queries": "Sub-queries",
    "hyde": "Made-up answer",
    "step-back": "Step back",
    "collection": "Collection",
    "where": "Conditions",
    "dense": "Meaning",
    "keyword": "Keywords",
    "fused": "Fused",
    "recency": "Recency",
    "mmr": "Variety",
    "rerank": "Reranked",
    "floor": "Floor",
    "neighbours": "Neighbours",
    "question": "Question",
}


# -------------------------------------------------------------------- a search


def trace(found: Trace) -> str:
    """Warning, passages, then what was asked and what every step did."""
    warning = f"<div class='notice' role='status'><span>{escape(found.low_evidence)}</span></div>"
    rows = passage_rows(found.passages, found.question)
    passages = f"<div class='probe syscard base'>{rows}</div>" if rows else nothing(found)
    return f"{warning if found.low_evidence else ''}{passages}{steps(found)}"


def nothing(found: Trace) -> str:
    if any(stage.name == "where" for stage in found.stages):
        return "<div class='empty'>No passage fits. Loosen the conditions.</div>"
    if any(stage.name == "collection" for stage in found.stages):
        return "<div class='empty'>Nothing was found in this collection.</div>"
    return "<div class='empty'>Nothing was found. Is there a document in the index?</div>"


def steps(found: Trace) -> str:
    """A disclosure: the queries, a sentence per step, and a table of ranks and scores."""
    if not found.stages:
        return ""
    asked = "".join(
        f"<li><b>{LABELS.get(query.kind, escape(query.kind))}</b>: {escape(query.text)}</li>" for query in found.queries
    )
    said = "".join(map(_said, found.stages))
    return (
        f"<details class='steps'><summary>Every step, {1000 * found.seconds:.0f} ms</summary>"
        f"<p class='sub'>Searched for</p><ul class='plain'>{asked}</ul><p class='sub'>Steps</p>"
        f"<ol class='plain'>{said}</ol>{_table(found)}</details>"
    )


def _said(stage: Stage) -> str:
    kept = f"{len(stage.scores)} passages" if stage.scores else ""
    dropped = f"{len(stage.dropped)} dropped" if stage.dropped else ""
    figures = ", ".join(filter(None, [kept, dropped, f"{1000 * stage.seconds:.0f} ms"]))
    return f"<li><b>{LABELS.get(stage.name, escape(stage.name))}</b>: {figures}. {escape(stage.note)}</li>"


def _table(found: Trace) -> str:
    """One row per passage in the last order it had, one column per step: its rank there, and the score."""
    ranked = [stage for stage in found.stages if stage.scores]
    if not ranked:
        return ""
    places = [{key: n for n, key in enumerate(stage.scores, 1)} for stage in ranked]
    order = dict.fromkeys([passage.id for passage in found.passages])
    for stage in reversed(ranked):
        order |= dict.fromkeys(stage.scores)
    heads = "".join(f"<th class='num'>{LABELS.get(stage.name, escape(stage.name))}</th>" for stage in ranked)
    rows = []
    for key in list(order)[:ROWS]:
        passage = found.seen.get(key)
        if passage is None:
            continue
        cells = "".join(_cell(stage, place, key) for stage, place in zip(ranked, places, strict=True))
        words = escape(" ".join(passage.text.split())[:80])
        rows.append(
            f"<tr><td><span class='doc'>{escape(passage.title or passage.source)}</span>"
            f"<span class='sub'>{words}</span></td>{cells}</tr>"
        )
    more = len(order) - ROWS
    note = f"<p class='sub'>And {more} more.</p>" if more > 0 else ""
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Ranks and scores of every step'>"
        f"<table class='rows'><thead><tr><th>Passage</th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"</div>{note}"
    )


def _cell(stage: Stage, places: dict[str, int], key: str) -> str:
    if key in places:
        return f"<td class='num'><b>{places[key]}</b> <span class='sub'>{stage.scores[key]:.3f}</span></td>"
    return f"<td class='num'>{'dropped' if key in stage.dropped else '&ndash;'}</td>"


# -------------------------------------------------------------------- chunks


def chunks(pieces: Sequence[Piece], chosen: str = "") -> str:
    """The chunks with their borders; what a chunk repeats of the one before it is set apart."""
    if not pieces:
        return NO_DOCUMENT
    more = len(pieces) - PIECES
    note = f"<p class='sub'>And {more:,} more.</p>" if more > 0 else ""
    rows = []
    for n, piece in enumerate(pieces[:PIECES]):
        before = pieces[n - 1] if n and pieces[n - 1].heading == piece.heading else None
        rows.append(_piece(piece, before, piece.id == chosen))
    return f"<div class='chunks' tabindex='0' role='region' aria-label='Passages'>{''.join(rows)}</div>{note}"


def _piece(piece: Piece, before: Piece | None, chosen: bool) -> str:
    shared = repeated(before.text, piece.text) if before else 0
    text = f"<span class='again'>{escape(piece.text[:shared])}</span>{escape(piece.text[shared:])}"
    page = f", page {piece.page}" if piece.page else ""
    return (
        f"<div class='chunk{' chosen' if chosen else ''}'><div class='sub'>{piece.position + 1} &middot; "
        f"{piece.tokens} tokens{page} &middot; {escape(piece.heading)}</div><p>{text}</p></div>"
    )


def repeated(before: str, text: str) -> int:
    """How many characters `text` begins with that `before` ends with."""
    return next((n for n in range(min(len(before), len(text)), 7, -1) if before.endswith(text[:n])), 0)


# -------------------------------------------------------------------- health


def health(state: Health) -> str:
    rows = [
        ("Documents", f"{state.documents:,}"),
        ("Passages", f"{state.passages:,}"),
        ("Vectors in the index", f"{state.vectors:,}"),
        ("Embedding model", escape(state.embedding)),
        ("Cut by", escape(state.cut)),
        ("Last check", _checked(state)),
        ("Files", _stale(state)),
    ]
    cells = "".join(f"<tr><th scope='row'>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return f"<div class='scroll'><table class='rows'><tbody>{cells}</tbody></table></div>"


def _checked(state: Health) -> str:
    check = state.checked
    if state.vectors != state.passages:
        return f"<span class='status bad'>{state.vectors:,} vectors for {state.passages:,} passages: rebuild</span>"
    if check is None:
        return "Not on request yet; every opening and every change check up to 5,000 passages, or a sample."
    when = escape(ago(check.at))
    if check.sound:
        return f"<span class='status good'>Sound</span>, {check.asked:,} passages found themselves, {when}"
    found = f"{check.missing} missing, {check.extra} too many, {check.lost} not found"
    return f"<span class='status bad'>Not sound</span>: {found}, {when}. Rebuild the index."


def _stale(state: Health) -> str:
    if not state.files_read:
        return "Press Check to compare them with the index."
    if not state.stale:
        return "<span class='status good'>None has changed</span>"
    named = "".join(f"<li>{escape(stale.source)}: {escape(stale.why)}</li>" for stale in state.stale[:ROWS])
    more = f"<li>and {len(state.stale) - ROWS} more</li>" if len(state.stale) > ROWS else ""
    return f"<span class='status warn'>{len(state.stale)} stale</span><ul class='plain'>{named}{more}</ul>"
