"""RAG, fine-tuned and hybrid answers from one model, side by side."""

import os

# OpenMP reads this when torch is first imported: its waiting threads then sleep. Where another process holds
# a core, spinning ones made 39 steps of a small model take 6.7 s instead of 0.35 s.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from .compare import compare
from .errors import (
    AdapterError,
    DatasetError,
    DocumentError,
    HomeError,
    ModelError,
    NotFoundError,
    QuestionError,
    RagftError,
    RatingError,
    RunError,
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
    "DatasetError",
    "Decoding",
    "DocumentError",
    "HomeError",
    "ModelError",
    "NotFoundError",
    "Passage",
    "QuestionError",
    "RagftError",
    "RatingError",
    "Request",
    "RunError",
    "Settings",
    "SettingsError",
    "Studio",
    "compare",
]
