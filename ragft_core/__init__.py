"""RAG, fine-tuned and hybrid answers from one model, side by side."""

from .compare import compare
from .errors import (
    AdapterError,
    DocumentError,
    HomeError,
    ModelError,
    NotFoundError,
    QuestionError,
    RagftError,
    SettingsError,
)
from .request import Request
from .settings import Settings
from .studio import Studio
from .types import ARMS, DEFAULT_ARMS, Answer, Arm, Comparison, Decoding, Passage
from .version import VERSION

__version__ = VERSION
__all__ = [
    "ARMS",
    "DEFAULT_ARMS",
    "AdapterError",
    "Answer",
    "Arm",
    "Comparison",
    "Decoding",
    "DocumentError",
    "HomeError",
    "ModelError",
    "NotFoundError",
    "Passage",
    "QuestionError",
    "RagftError",
    "Request",
    "Settings",
    "SettingsError",
    "Studio",
    "compare",
]
