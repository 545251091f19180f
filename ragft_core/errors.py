"""Every error a user can cause or must act on; each message says what happened and what to do.

RagftError
├── SettingsError     a setting is unknown, out of range, or contradicts another
├── HomeError         the home folder cannot be used, or another process owns it
├── DocumentError     a document cannot be read or indexed
├── DatasetError      a file of examples cannot be read, or must not be trained on as it is
├── RunError          a training run cannot start, go on or end as wished
├── ModelError        the base model cannot be loaded or does not fit
│   └── AdapterError  an adapter is broken, belongs to another base, or changes nothing
├── RatingError       a study, a vote or a file of ratings cannot be used
├── QuestionError     a question or a request is empty, too long, or asks for too much
└── NotFoundError     a saved thing that was named does not exist

Caught in two places only: the page (a message in the panel it belongs to) and the CLI (exit code 1).
"""


class RagftError(Exception):
    """Base of all of them; `str(error)` is fit to show to a user as it stands."""


class SettingsError(RagftError):
    """A setting is unknown, out of range, or contradicts another."""


class HomeError(RagftError):
    """The home folder cannot be used, or another process owns it."""


class DocumentError(RagftError):
    """A document cannot be read or indexed."""


class DatasetError(RagftError):
    """A file of examples cannot be read, or must not be trained on as it is."""


class RunError(RagftError):
    """A training run cannot start, go on or end as wished."""


class ModelError(RagftError):
    """The base model cannot be loaded or does not fit."""


class AdapterError(ModelError):
    """An adapter is broken, belongs to another base, or changes nothing."""


class RatingError(RagftError):
    """A study, a vote or a file of ratings cannot be used."""


class QuestionError(RagftError):
    """A question or a request is empty, too long, or asks for more than the limits."""


class NotFoundError(RagftError):
    """A saved comparison, document or adapter that was named does not exist."""
