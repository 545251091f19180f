"""Bytes become text, with the name of the encoding that was found; what is not text is refused."""

import codecs
import re

from ..errors import DocumentError

SAMPLE = 100_000  # bytes that are enough to tell an encoding
# The 4-byte mark must come before the 2-byte one that begins it.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MAGIC = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"SQLite format 3\0", "a database"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
)
CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w-]{2,40})""", re.IGNORECASE)
CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]")
MOST_CONTROL = 0.01  # a text has next to none; random bytes have a quarter


def decode(data: bytes, *, html: bool = False) -> tuple[str, str]:
    """(text, encoding). The text has `\\n` line ends and nothing that UTF-8 or SQLite cannot hold."""
    kind = next((kind for magic, kind in MAGIC if data.startswith(magic)), None)
    if kind:
        raise DocumentError(f"The file is {kind}, not text.")
    text, encoding = _decoded(data, html)
    controls = len(CONTROL.findall(text))
    if controls > MOST_CONTROL * len(text):
        raise DocumentError("The file is binary, not text.")
    return clean(text), encoding


def clean(text: str) -> str:
    """`text` with `\\n` line ends, without NULs, other control marks and halves of surrogate pairs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    return CONTROL.sub(" ", text).encode("utf-8", "replace").decode("utf-8")


def _decoded(data: bytes, html: bool) -> tuple[str, str]:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding.removesuffix("-sig")
            except UnicodeDecodeError as error:
                raise DocumentError(f"The file begins as {encoding}, but byte {error.start:,} is not.") from error
    if b"\0" in data[:SAMPLE]:
        return _wide(data)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    declared = CHARSET.search(data[:4096]) if html else None
    for encoding in (declared[1].decode("ascii") if declared else "", _guess(data)):
        try:
            return data.decode(encoding), encoding
        except (LookupError, UnicodeDecodeError):
            continue
    raise DocumentError("The file's encoding cannot be told; save it as UTF-8.")


def _wide(data: bytes) -> tuple[str, str]:
    """UTF-16 without its mark shows by zeros in every other byte; zeros elsewhere mean binary."""
    sample = data[: SAMPLE // 2 * 2]
    pairs = len(sample) // 2
    first, second = sample[0::2].count(0), sample[1::2].count(0)
    for encoding, many, few in (("utf-16-le", second, first), ("utf-16-be", first, second)):
        if many > pairs / 2 and few < pairs / 20:
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError:
                break
    if first + second > len(sample) / 1000:
        raise DocumentError("The file is binary, not text.")
    return _decoded(data.replace(b"\0", b" "), html=False)


def _guess(data: bytes) -> str:
    """The most likely encoding by the text's own statistics; empty if none fits."""
    import charset_normalizer

    sample = data[:SAMPLE]
    if len(data) > SAMPLE:  # not in the middle of a character
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    found = charset_normalizer.from_bytes(sample)
    best = found.best()
    if best is None:
        return ""
    # Among equals it takes the first by the alphabet, cp1250; cp1252 is by far the more frequent one.
    rank = (best.chaos, -best.coherence)
    western = any("cp1252" in m.could_be_from_charset and (m.chaos, -m.coherence) <= rank for m in found)
    return "cp1252" if western else best.encoding
