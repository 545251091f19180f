"""What the page shows, without a page: text of others stays text, and figures say what they mean."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from ragft_core.retrieval.care import Health, Stale
from ragft_core.retrieval.lookup import Piece
from ragft_core.searches import Query, Stage, Trace
from ragft_core.types import ARMS, Answer, Comparison, Document, FileReport, IndexReport, Passage, Progress, Status
from ragft_ui import header, markup, panels, render, render_documents, render_retrieval

PAYLOADS = [
    "<script>window.__x=1</script>",
    "<img src=x onerror=window.__x=1>",
    "<svg onload=window.__x=1>",
    "![pixel](http://127.0.0.1:9/leak?q=secret)",
    "[click](javascript:window.__x=1)",
    "<javascript:window.__x=1>",
    "[ref]\n\n[ref]: javascript:window.__x=1",
    "<form action=http://127.0.0.1:9/><input type=submit></form>",
    "'\"><iframe srcdoc='<script>parent.__x=1</script>'></iframe>",
    "`<img src=x onerror=window.__x=1>`\n\n```\n</code></pre><svg onload=window.__x=1>\n```",
    "| <b onclick=window.__x=1>a</b> |\n|---|\n| &lt;script&gt;window.__x=1&lt;/script&gt; |",
    "${window.__x=1} {{constructor.constructor('window.__x=1')()}} [1' onclick='window.__x=1]",
]
OURS = {
    "div",
    "h2",
    "h3",
    "span",
    "p",
    "b",
    "i",
    "em",
    "strong",
    "ul",
    "ol",
    "li",
    "code",
    "pre",
    "blockquote",
    "hr",
    "br",
}
OURS |= {"table", "thead", "tbody", "tr", "th", "td", "button", "details", "summary", "mark", "a", "time", "input"}
CLICKABLE = {
    "class",
    "type",
    "data-n",
    "aria-label",
    "href",
    "data-run",
    "title",
    "tabindex",
    "role",
    "data-state",
    "style",
}


class Tags(HTMLParser):
    """The tags and attributes of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}


def passage(text: str = "The office opens at nine. Parking is free.", **given: object) -> Passage:
    return Passage(**{"id": "p", "text": text, "source": "office.md", "score": 0.03, "title": "Office", **given})


def comparison(*answers: Answer, **given: object) -> Comparison:
    return Comparison(**{"id": "abc", "question": "When?", "answers": answers, "created": "", **given})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_of_others_never_becomes_html(payload: str) -> None:
    hostile = passage(payload, title=payload, source=payload)
    answer = Answer(
        "rag", payload, "done", (hostile,), prompt=payload, error=payload, tokens=3, first_token_seconds=0.1
    )
    whole = comparison(answer, replace(answer, state="failed"), question=payload, created=payload, id=payload)
    document = Document("d", payload, payload, "", 1, 1, payload)
    status = Status("failed", payload, model=payload, device=payload, adapter=payload, notices=(payload,))
    report = IndexReport((FileReport(payload, payload, payload),), 1, 0.1)
    shown = [
        *render.panel(answer, payload).values(),
        *render.panel(replace(answer, state="writing"), payload).values(),
        *render.panel(replace(answer, state="failed"), payload).values(),
        render.run_line(replace(whole, setup={"base_model": payload, "adapter": payload})),
        render.history_list([whole]),
        render.problem(payload),
        render.loading_body(Status("loading", payload)),
        header.pills(status),
        header.notices(status),
        render_documents.table([document]),
        render_documents.report(report),
        render_documents.progress(Progress(1, 2, payload)),
        render_retrieval.trace(traced(hostile, payload)),
        render_retrieval.chunks([Piece(0, payload, payload, payload, 1, None)]),
        render_retrieval.health(Health(1, 1, 1, payload, payload, None, (Stale(payload, payload, payload),), True)),
    ]
    for html in shown:
        tags = Tags(html)
        assert tags.names <= OURS, (tags.names - OURS, html)
        assert not [name for name, _ in tags.attributes if name.startswith("on") or name in ("src", "action", "srcdoc")]
        assert not [value for name, value in tags.attributes if name == "href" and not value.startswith("?run=")]


def traced(passage: Passage, words: str) -> Trace:
    """A trace in which every word is someone else's."""
    stage = Stage(words, {passage.id: 0.5, "gone": 0.1}, (words,), words, 0.001)
    seen = {passage.id: passage, "gone": passage}
    return Trace(words, (Query(words, words),), (stage, stage), (passage,), seen, words, 0.1)


def test_markdown_is_shown_and_citations_become_buttons() -> None:
    html = markup.markdown_html("**Nine** [1], or later [2, 3]; see `[1]` and [7].\n\n- a\n- b", passages=3)
    assert "<strong>Nine</strong>" in html and "<li>a</li>" in html
    assert [f"data-n='{n}'" in html for n in (1, 2, 3)] == [True] * 3
    assert "<code>[1]</code>" in html and "[7]" in html  # code stays code; a number that has no source stays text


@pytest.mark.parametrize(
    ("half", "shown"),
    [
        ("It is **bol", "It is **bol**"),
        ("It is **", "It is "),
        ("a `code", "a `code`"),
        ("List:\n- ", "List:"),
        ("Open at nine [1", "Open at nine "),
        ("```\nx = 1", "```\nx = 1\n```"),
        ("Plain text.", "Plain text."),
    ],
)
def test_half_written_markdown_is_closed(half: str, shown: str) -> None:
    assert markup.live_markdown(half) == shown


def test_the_words_that_the_answer_took_are_marked() -> None:
    text = "Claims must arrive within 180 calendar days of the visit."
    spans = markup.shared_spans(text, "You have 180 calendar days of time. Within reason.")
    assert [text[a:b] for a, b in spans] == ["180 calendar days of"]
    assert markup.shared_spans(text, "Nothing of the kind") == []
    assert [text[a:b] for a, b in markup.word_spans(text, "How long is a claim after the visits?")] == [
        "Claims",
        "visit",
    ]
    assert markup.marked_html("a<b>c", [(1, 4)]) == "a<mark>&lt;b&gt;</mark>c"


def test_an_answer_that_took_nothing_shows_the_question_s_words() -> None:
    row = render.passage_rows([passage()], "Is parking free?", "I do not know.", cited=())
    assert "<mark>Parking</mark>" in row and "not cited" in row


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.key)
def test_every_state_of_every_arm_has_a_word(arm: object) -> None:
    for state, word in (("waiting", "Waiting"), ("reading", "Reading"), ("done", "Done"), ("failed", "Failed")):
        html = render.panel(Answer(arm.key, state=state))["head"]  # type: ignore[attr-defined]
        assert word in html and f">{arm.label[0]}<" in html and arm.label in html  # type: ignore[attr-defined]


def test_figures_say_first_token_total_tokens_and_rate() -> None:
    answer = Answer("rag", "x", "done", tokens=21, prompt_tokens=229, first_token_seconds=0.5, seconds=2.5)
    html = render.figures(answer)
    assert (
        "0.50 s" in html and "2.50 s" in html and "<b>229</b> in, <b>21</b> out" in html and "<b>10.0</b> tok/s" in html
    )
    assert "best" not in html and "best" in render.figures(answer, fastest=True)
    assert "No figures yet" in render.figures(Answer("rag"))


def test_fastest_is_known_only_when_all_ended_well() -> None:
    quick, slow = Answer("rag", "x", "done", tokens=2, seconds=1.0), Answer("tuned", "x", "done", tokens=2, seconds=2.0)
    assert render.fastest_arm(comparison(quick, slow)) == "rag"
    assert render.fastest_arm(comparison(quick, replace(slow, state="writing"))) is None
    assert render.fastest_arm(comparison(quick, replace(slow, state="failed"))) is None
    assert render.fastest_arm(comparison(quick)) is None


def test_passages_left_out_or_not_cited_are_marked() -> None:
    answer = Answer(
        "rag", "At nine [1].", "done", (passage(), passage(id="q"), passage(id="r")), cited=(1,), left_out=1
    )
    html = render.sources(answer, "When?")
    assert html.count("not cited") == 1 and html.count("<span class='un'>left out</span>") == 1
    assert "1 of them did not fit" in html
    assert "not cited" not in render.sources(replace(answer, state="writing"), "When?")  # not known yet


def test_stages_are_named_and_similarity_is_the_figure_at_a_glance() -> None:
    html = render.passage_rows([passage(scores={"dense": 0.71, "keyword": 11.42, "fused": 0.0325}, page=31)], "q")
    assert "similarity 0.71" in html and "keywords 11.4" in html and "fused 0.0325" in html and "page 31" in html
    assert "width:71%" in html
    assert "width:100%" in render.passage_rows([passage(score=7.0)], "q")  # keyword search knows no similarity


def test_a_failed_arm_says_why_and_an_empty_one_says_so() -> None:
    failed = Answer("tuned", state="failed", error="There is no adapter x.")
    assert "There is no adapter x." in render.body(failed)
    assert "Stopped before it began." in render.body(Answer("tuned", state="stopped"))
    assert "wrote nothing" in render.body(Answer("tuned", state="done"))
    assert "Cut at the longest answer" in render.body(Answer("tuned", "x", "done", finish="length"))


def test_the_announcement_changes_with_states_not_with_tokens() -> None:
    writing = comparison(Answer("rag", "a", "writing", tokens=1), Answer("tuned", "", "reading"))
    more = comparison(Answer("rag", "a b", "writing", tokens=2), Answer("tuned", "", "reading"))
    assert render.announcement(writing) == render.announcement(more) == "RAG: Writing. Fine-tuned: Reading."
    assert render.announcement(comparison(Answer("rag", "a", "done"))) == "RAG: Done."


def test_history_shows_newest_questions_with_a_link() -> None:
    html = render.history_list([comparison(Answer("rag"), Answer("hybrid"))])
    assert "href='?run=abc'" in html and "When?" in html and ">R<" in html and ">H<" in html
    assert "listed here" in render.history_list([])


def test_moments_are_told_in_words() -> None:
    now = datetime.now(UTC)
    spans = [(5, "just now"), (70, "1 minute ago"), (7300, "2 hours ago"), (90000, "1 day ago")]
    assert [render.ago((now - timedelta(seconds=s)).isoformat(), now) for s, _ in spans] == [
        words for _, words in spans
    ]
    assert render.ago("yesterday") == "yesterday"


def test_the_header_counts_seconds_while_loading_and_says_how_to_go_on_when_it_failed() -> None:
    loading = Status("loading", "Loading model x", since=10.0)
    assert "Loading model x &hellip; 4 s" in header.state_line(loading, now=14.2)
    assert "3/9" in header.state_line(Status("installing", "Indexing", 3, 9), now=0.0)
    assert "Ready" in header.pills(Status("ready", model="tiny", precision="nf4", chunks=1284))
    assert "1,284 chunks" in header.pills(Status("ready", chunks=1284))
    failed = header.notices(Status("failed", "There is no folder x.", notices=("Repaired.",)))
    assert "There is no folder x." in failed and "tries to load it again" in failed and "Repaired." in failed


def test_documents_tables_say_what_was_done_and_what_is_there() -> None:
    report = IndexReport(
        (FileReport("a/b/new.md", "added", chunks=2), FileReport("bad.bin", "failed", "No text.")), 2, 1.5
    )
    html = render_documents.report(report)
    assert "new.md" in html and "a/b" not in html and "No text." in html and "2 files in 1.5 s" in html
    many = [Document(str(n), f"{n}.md", f"T{n}", "", 10, 1, "") for n in range(render_documents.ROWS + 5)]
    assert "And 5 more" in render_documents.table(many)
    assert "Nothing yet" in render_documents.table([]) and "fits the filter" in render_documents.table(
        [], filtered=True
    )
    assert "1 document</b>, <b>1 passage" in render_documents.counts(many[:1])
    assert "Nothing was found" in render_retrieval.trace(Trace("q"))


def test_a_growing_comparison_is_always_whole_and_its_figures_can_be_read() -> None:
    growing = panels.Growing(["rag"])
    assert growing.parts["mode"] == "running" and "skeleton" in growing.parts["rag-body"]
    first = comparison(Answer("rag", "a", "writing", tokens=1, first_token_seconds=0.1, seconds=0.1))
    before = growing.grown(first)
    after = growing.grown(comparison(replace(first.answers[0], text="a b", tokens=2, seconds=0.2)))
    assert set(before) == set(after) and growing.grown(first) is not before
    assert {name for name in after if after[name] != before[name]} == {"rag-body"}  # nobody reads 20 numbers a second
    done = growing.grown(comparison(replace(first.answers[0], state="done", tokens=3)))
    assert "<b>3</b> out" in done["rag-figures"] and "RAG: Done." in done["spoken"]
    assert "Loading" in growing.loading(Status("loading", "Loading model x"))["rag-body"]


def test_panels_of_one_run_leave_nothing_for_the_next() -> None:
    names = {f"{arm}-{part}" for arm in ("rag", "tuned") for part in render.PARTS}
    for parts in (panels.emptied(["rag", "tuned"]), panels.waiting(["rag", "tuned"])):
        assert names <= set(parts) and parts["line"] == "" and parts["arms"] == ["rag", "tuned"]
    saved = panels.ended(comparison(Answer("rag", "x", "done"), Answer("tuned", "y", "done")))
    assert names <= set(saved) and "data-run='abc'" in saved["line"]
    html = render.skeleton(["rag"])
    assert html.count("<section") == 4 and html.count(" hidden>") == 3 and "data-part='hybrid-prompt'" in html
