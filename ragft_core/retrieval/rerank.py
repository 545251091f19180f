"""Passages become an order by how well each explains the question, to the language model or a cross-encoder."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ModelError, RagftError
from ..types import Passage


class CrossEncoder:
    """A model that reads question and passage together; a folder, or a Hugging Face id if the user names one.

    Loaded on first use, from safetensors, without any code of the model's own.
    """

    def __init__(self, name: str, device: str = "auto") -> None:
        self.name, self._device = name, device
        self._model: Any = None
        self._turn = threading.Lock()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One score per text, higher is better. ModelError when it cannot be loaded or fails."""
        with self._turn:
            try:
                self._model = self._model or self._load()
                found = self._model.predict([(question, text) for text in texts], show_progress_bar=False)
                return [float(score) for score in found]
            except ModelError:
                raise
            except Exception as error:  # bad files make tokenizers and safetensors raise bare Exceptions
                lines = str(error).strip().splitlines() or [type(error).__name__]
                raise ModelError(f"The cross-encoder {self.name} cannot be used: {lines[0][:200]}") from error

    def _load(self) -> Any:
        folder = Path(self.name).expanduser()
        if not folder.is_dir() and (folder.is_absolute() or self.name.count("/") != 1 or self.name.startswith(".")):
            raise ModelError(f"There is no cross-encoder {self.name}; name a folder or a Hugging Face id.")
        from sentence_transformers import CrossEncoder as Model

        device = None if self._device == "auto" else self._device
        return Model(
            str(folder) if folder.is_dir() else self.name,
            device=device,
            num_labels=1,
            local_files_only=folder.is_dir(),
            model_kwargs={"use_safetensors": True},
        )


def reranked(
    question: str, passages: Mapping[str, Passage], cross: CrossEncoder | None, model: Callable[[], Any]
) -> tuple[dict[str, float], str]:
    """({id: score}, note), best first; ({}, why) leaves the order as it was.

    Without a cross-encoder a score is the mean log-likelihood of the question's tokens given the passage, from the
    base model without an adapter (Sachan et al. 2022, arXiv 2204.07496): nothing to download, and any language.
    """
    if not passages:
        return {}, "There is nothing to order."
    texts = [f"{passage.title}: {passage.text}" if passage.title else passage.text for passage in passages.values()]
    try:
        scores = cross.scores(question, texts) if cross else model().likelihoods(question, texts)
    except RagftError as error:
        return {}, f"The order was left as it was: {error}"
    pairs = sorted(zip(passages, map(float, scores), strict=True), key=lambda pair: -pair[1])
    return dict(pairs), f"{len(pairs)} passages read by {cross.name if cross else 'the language model'}."
