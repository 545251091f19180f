"""Text that others wrote (a model, a document, a visitor) to HTML that can do nothing but show it."""

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt

Span = tuple[int, int]

COMMON = """a about after all also an and any are as at be been but by can could did do does for from had has have how
i if in into is it its long many may more most much must my no not of on only or our shall should so some such than
that the their them then there these they this those to was we were what when where which who why will with would you
your"""
COMMON_WORDS = frozenset(COMMON.split())


def _markdown() -> MarkdownIt:
    """Markdown without raw HTML, images, links and references: none of them is ours to show."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).enable("table")
    parser.disable(["image", "link", "autolink", "html_inline", "html_block", "reference"])
    parser.add_render_rule("text", lambda _, tokens, n, __, env: _with_citations(tokens[n].content, env["passages"]))
    return parser


def markdown_html(text: str, passages: int = 0) -> str:
    """Markdown as safe HTML; `[n]` becomes a button for each of the `passages` that exist."""
    return MARKDOWN.render(text, {"passages": passages})


def live_markdown(text: str) -> str:
    """Half-written Markdown made fit to show: no dangling mark, every bold and code span closed."""
    text = re.sub(r"\n\s*([-*+]|\d+[.)]|#+)\s*$", "", text)
    text = re.sub(r"\[[\d,; ]*$", "", text)
    text = re.sub(r"(?<!\*)\*{1,2}$|`+$", "", text)
    if text.count("```") % 2:
        return text + "\n```"
    if text.count("**") % 2:
        text += "**"
    return text + "`" if text.replace("```", "").count("`") % 2 else text


def _with_citations(text: str, passages: int) -> str:
    html = re.sub(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]", lambda match: _citation(match, passages), escape(text))
    return re.sub(r"(</button>)(?=[.,;:!?])", "\\1&#8288;", html)  # a word joiner: no line begins with the full stop


def _citation(match: re.Match[str], passages: int) -> str:
    numbers = [int(number) for number in re.findall(r"\d+", match[1])]
    if not all(1 <= number <= passages for number in numbers):
        return match[0]
    return " ".join(
        f"<button type='button' class='cite' data-n='{n}' aria-label='Show source {n}'>{n}</button>" for n in numbers
    )


def marked_html(text: str, spans: Sequence[Span]) -> str:
    """`text` escaped, with every span in a `<mark>`; spans are ordered and do not overlap."""
    parts, at = [], 0
    for start, end in spans:
        parts += [escape(text[at:start]), "<mark>", escape(text[start:end]), "</mark>"]
        at = end
    return "".join([*parts, escape(text[at:])])


def shared_spans(text: str, other: str, run: int = 3) -> list[Span]:
    """Where `text` and `other` share `run` words in a row, or two of which one is a number; ignores case.
    At least two words of a run must be telling: `of the 2022` is shared by chance."""
    words = [(match[0].lower(), match.span()) for match in re.finditer(r"\w+", text)]
    theirs = re.findall(r"\w+", other.lower())
    hit = [False] * len(words)
    for size in (run, 2):
        known = {tuple(theirs[n : n + size]) for n in range(len(theirs) - size + 1)}
        for n in range(len(words) - size + 1):
            gram = tuple(word for word, _ in words[n : n + size])
            telling = sum(word not in COMMON_WORDS for word in gram) >= 2
            if gram in known and telling and (size == run or any(word[0].isdigit() for word in gram)):
                hit[n : n + size] = [True] * size
    return _joined([span for (_, span), found in zip(words, hit, strict=True) if found], text)


def word_spans(text: str, question: str) -> list[Span]:
    """Where `text` holds a telling word of `question`, or one that begins the same; ignores case."""
    asked = {word for word in re.findall(r"\w+", question.lower()) if word not in COMMON_WORDS and len(word) > 2}
    return [match.span() for match in re.finditer(r"\w+", text) if _akin(match[0].lower(), asked)]


def _akin(word: str, asked: set[str]) -> bool:
    """`visit` and `visits` are akin, `her` and `here` are not."""
    if word in asked:
        return True
    return len(word) > 3 and any(
        len(other) > 3 and (word.startswith(other[:6]) or other.startswith(word[:6])) for other in asked
    )


def _joined(spans: Sequence[Span], text: str) -> list[Span]:
    """Neighbouring spans as one, when only blanks and punctuation lie between."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and not re.search(r"\w|[.!?]\s", text[joined[-1][1] : start]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


MARKDOWN = _markdown()
