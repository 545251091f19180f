"""The text in a picture, by the tesseract program where it is installed."""

import io
import os
import shutil
import subprocess
from typing import Any

from ..errors import DocumentError

SECONDS = 60  # for one page


def missing(languages: str) -> str:
    """Why there is no OCR, as a sentence to follow a colon; empty if there is."""
    if not languages:
        return "OCR is switched off (the setting ocr)."
    if shutil.which("tesseract") is None:
        return "install tesseract (on Debian: apt install tesseract-ocr) and add the file again."
    return ""


def text(image: Any, languages: str) -> str:
    """What tesseract reads in a grey PIL image; DocumentError if it fails."""
    picture = io.BytesIO()
    image.save(picture, "PNG")
    command = ["tesseract", "stdin", "stdout", "-l", languages, "--dpi", "200"]
    try:
        done = subprocess.run(
            command,
            input=picture.getvalue(),
            capture_output=True,
            timeout=SECONDS,
            env=os.environ | {"OMP_THREAD_LIMIT": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise DocumentError(f"OCR of a page took more than {SECONDS} seconds.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no word"]
        raise DocumentError(f"OCR failed: {said[-1][:200]} (the setting ocr names the languages).")
    return done.stdout.decode("utf-8", "replace")
