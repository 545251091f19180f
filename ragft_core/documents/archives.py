"""A ZIP-based document is opened only when it is what its ending says and cannot be a bomb."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import DocumentError

MOST_BYTES, MOST_FILES = 100 * 2**20, 10_000
MOST_TIMES, FREELY = 100, 10 * 2**20  # up to so many bytes may be packed as tightly as they like
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
KINDS = {
    "a Word document": "word/document.xml",
    "a PowerPoint document": "ppt/presentation.xml",
    "an Excel workbook": "xl/workbook.xml",
    "an e-book": "META-INF/container.xml",
    "an OpenDocument file": "content.xml",
}


@contextmanager
def opened(data: bytes, kind: str) -> Iterator[zipfile.ZipFile]:
    """The archive of a document of one of the KINDS; DocumentError if it is something else, or too much."""
    if data.startswith(OLE):
        if ENCRYPTED in data:
            raise DocumentError("The file is protected by a password; save it without.")
        raise DocumentError(f"The file's content is an old Office document; save it anew as {kind}.")
    if not data.startswith(ZIP):
        raise DocumentError(f"The file's content is not {kind}, whatever its ending says.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check(archive, kind)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DocumentError("The file is damaged or cut short; open and save it again.") from error


def check(archive: zipfile.ZipFile, kind: str) -> None:
    """Refuse what unpacks to too much, is encrypted, declares entities, or is another kind of document."""
    infos = archive.infolist()
    unpacked, packed = sum(i.file_size for i in infos), sum(i.compress_size for i in infos)
    if len(infos) > MOST_FILES:
        raise DocumentError(f"The file holds {len(infos):,} files; at most {MOST_FILES:,} are unpacked.")
    if unpacked > MOST_BYTES or (unpacked > FREELY and unpacked > MOST_TIMES * max(packed, 1)):
        raise DocumentError(
            f"The file would unpack to {unpacked / 2**20:,.0f} MB from {packed / 2**20:,.1f} MB, as a bomb does; "
            f"at most {MOST_BYTES / 2**20:.0f} MB and {MOST_TIMES} times its size are unpacked."
        )
    if any(info.flag_bits & 1 for info in infos):
        raise DocumentError("The file is protected by a password; save it without.")
    names = set(archive.namelist())
    if KINDS[kind] not in names:
        other = next((other for other, name in KINDS.items() if name in names), "something else")
        raise DocumentError(f"The file's content is {other}, not {kind}; give it the right ending.")
    for name in names:
        if name.endswith((".xml", ".rels", ".opf")):
            with archive.open(name) as file:
                if b"<!ENTITY" in file.read(4096):
                    raise DocumentError("The file declares entities of its own, as a bomb does; it is not read.")
