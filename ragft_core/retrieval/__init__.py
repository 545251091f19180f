"""Documents become passages that can be found: chunks in the database, vectors in Chroma, words in BM25."""

from .index import Index

__all__ = ["Index"]
