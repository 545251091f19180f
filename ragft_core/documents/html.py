"""An HTML page becomes its title and light Markdown: headings, lists, table rows and code; no scripts, no styles."""

import re
from html.parser import HTMLParser

LEFT_OUT = frozenset(("script", "style", "template", "noscript", "svg", "iframe", "object"))
BLOCKS = frozenset(
    """address article aside blockquote body caption dd details div dl dt fieldset figcaption figure footer form
    header hr html legend main nav ol p section summary table tbody tfoot thead tr ul""".split()
)
LEVELS = {f"h{n}": "#" * n for n in range(1, 7)}


def html_to_markdown(html: str) -> tuple[str, str]:
    """(text of <title>, Markdown). Never raises for bad HTML: like a browser it reads what is there."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = "".join(reader.pieces)
    text = re.sub(r"[ \t\f\v\xa0]+\n", "\n", text)
    text = re.sub(r"\n (?! )", "\n", text)  # what is left of a run of space; code keeps its own
    return " ".join("".join(reader.title).split()), re.sub(r"\n{3,}", "\n\n", text).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.title: list[str] = []
        self._inside = ""  # the element being left out, or the title
        self._depth = 0
        self._pre = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inside:
            self._depth += tag == self._inside
        elif tag in LEFT_OUT or (tag == "title" and not self.title):
            self._inside, self._depth = tag, 1
        elif tag in LEVELS:
            self.pieces.append(f"\n\n{LEVELS[tag]} ")
        elif tag == "pre":
            self._pre = True
            self.pieces.append("\n\n```\n")
        elif tag == "li":
            self.pieces.append("\n- ")
        elif tag == "br":
            self.pieces.append("\n")
        elif tag in BLOCKS:
            self.pieces.append("\n" if tag == "tr" else "\n\n")
        elif tag == "img":
            self.pieces.append(dict(attrs).get("alt") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in LEFT_OUT and tag != "title":  # <svg/> has no end that would close it
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            if tag == self._inside:
                self._depth -= 1
                self._inside = self._inside if self._depth else ""
        elif tag == "pre":
            self._pre = False
            self.pieces.append("\n```\n\n")
        elif tag in ("td", "th"):
            self.pieces.append(" | ")
        elif tag in LEVELS or tag in BLOCKS:
            self.pieces.append("\n" if tag == "tr" else "\n\n")

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title.append(data)
        elif not self._inside:
            self.pieces.append(data if self._pre else re.sub(r"\s+", " ", data))
