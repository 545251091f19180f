"""The nouns of reading: what a file's text is made of, and how a user wants it read."""

from dataclasses import asdict, dataclass, field
from typing import Any

LONGEST_TITLE = 200


@dataclass(frozen=True)
class Part:
    """A piece of a document that chunks never span; `page` counts from 1 where the format has pages or slides."""

    text: str
    page: int | None = None
    markdown: bool = False


@dataclass(frozen=True)
class Columns:
    """How the rows of a table become text: one column's words with others named below; "" takes all columns alike.

    Of more than `limit` rows (0: all are wanted) a sample is taken, by `seed`, in the order of the file.
    """

    content: str = ""
    metadata: tuple[str, ...] = ()
    limit: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Wish:
    """How files are to be read. `ocr`: the languages of scanned pages as tesseract names them; "" leaves them out."""

    columns: Columns = field(default_factory=Columns)
    ocr: str = "eng"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Wish":
        columns = data["columns"] | {"metadata": tuple(data["columns"]["metadata"])}
        return cls(Columns(**columns), data["ocr"])


@dataclass(frozen=True)
class Reading:
    """What a reader found in a file: parts in order, its title if the text gives one, a note for the report.

    `pages` counts those of the file, with text or without; 0 where the format has none.
    """

    parts: list[Part]
    heading: str = ""
    note: str = ""
    pages: int = 0


@dataclass(frozen=True)
class Loaded:
    """A document's text. `heading` is the title if the text itself gives one; `note` is for the report.

    `sha256` is of the file's bytes, the same ones that the text was read from.
    """

    title: str
    heading: str
    parts: tuple[Part, ...]
    sha256: str
    note: str = ""
    pages: int = 0

    @property
    def chars(self) -> int:
        return sum(len(part.text) for part in self.parts)
