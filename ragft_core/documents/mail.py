"""A mail becomes who wrote whom, when, about what, and its words; attachments are named, not read."""

import email
import email.policy
import io
from email.message import EmailMessage
from typing import Any

from ..errors import DocumentError
from .archives import OLE
from .html import html_to_markdown
from .parts import Part, Reading, Wish
from .text import clean, decode

NAMED = ("From", "To", "Cc", "Date", "Subject")
# Outlook's streams: __substg1.0_<property><type>, 001F is UTF-16, 001E bytes of the mail's code page.
PROPERTIES = {"From": ("0C1F", "0065", "5D01", "0C1A"), "To": ("0E04",), "Cc": ("0E03",), "Subject": ("0037",)}
BODY, HTML = "1000", "1013"


def eml(data: bytes, wish: Wish) -> Reading:
    """A mail file (RFC 5322); of alternatives the plain text is read."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    heads = {name: " ".join(_header(message, name).split()) for name in NAMED}
    if not any(heads.values()):
        raise DocumentError("The file is not a mail: it has no sender, no subject and no date.")
    plain: list[str] = []
    html: list[str] = []
    attached: list[str] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        name = part.get_filename()
        if name or part.get_content_disposition() == "attachment":
            attached.append(clean(name or "unnamed"))
        elif part.get_content_maintype() == "text":
            (html if part.get_content_subtype() == "html" else plain).append(_body(part))
    words = [text for text in plain if text.strip()] or [html_to_markdown(text)[1] for text in html]
    return _mail(heads, words, attached)


def msg(data: bytes, wish: Wish) -> Reading:
    """A mail as Outlook keeps it."""
    import olefile

    if not data.startswith(OLE):
        raise DocumentError("The file's content is not an Outlook mail, whatever its ending says.")
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as file:
            if not file.exists("__properties_version1.0"):
                raise DocumentError("The file's content is an old Office document, not an Outlook mail.")
            heads = {
                name: next(filter(None, (_stream(file, key) for key in keys)), "") for name, keys in PROPERTIES.items()
            }
            body = _stream(file, BODY) or html_to_markdown(_stream(file, HTML))[1]
            places = sorted({entry[0] for entry in file.listdir() if entry[0].startswith("__attach")})
            attached = [_stream(file, "3707", f"{place}/") or _stream(file, "3704", f"{place}/") for place in places]
    except OSError as error:
        raise DocumentError(f"The mail is damaged: {str(error)[:100]}.") from error
    return _mail(heads, [body], [name or "unnamed" for name in attached])


def _mail(heads: dict[str, str], words: list[str], attached: list[str]) -> Reading:
    lines = [f"{name}: {clean(text)}" for name, text in heads.items() if text]
    body = "\n\n".join(clean(text).strip() for text in words).strip()
    if not body and not heads.get("Subject"):
        return Reading([])
    if attached:
        lines.append(f"Attached: {', '.join(attached)}")
    note = f"{len(attached)} attached file{'s' * (len(attached) != 1)} not read" if attached else ""
    return Reading([Part("\n".join(lines) + f"\n\n{body}")], clean(heads.get("Subject", "")), note)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except Exception:  # noqa: BLE001 - the header parser of Python raises whatever a malformed header makes it
        return next((str(value) for key, value in message._headers if key.lower() == name.lower()), "")  # type: ignore[attr-defined]


def _body(part: Any) -> str:
    """The text of a part, by its own charset, else by what its bytes look like."""
    payload = part.get_payload(decode=True) or b""
    try:
        return payload.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return decode(payload)[0] if payload else ""


def _stream(file: Any, key: str, place: str = "") -> str:
    for kind in ("001F", "001E", "0102"):
        path = f"{place}__substg1.0_{key}{kind}"
        if file.exists(path):
            data = file.openstream(path).read()
            return data.decode("utf-16-le", "replace") if kind == "001F" else decode(data)[0] if data else ""
    return ""
