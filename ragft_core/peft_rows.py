"""Rows of tokens become logits through transformers and PEFT as they are: slow, but any architecture and adapter."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

Span = tuple[int, Sequence[int]]


class PeftRows:
    """The model as transformers runs it. One cache a row, one row a pass, so any kind of cache will do."""

    def __init__(self, model: Any) -> None:
        self.model = model
        # Frozen weights and a last-position slice make torch copy the whole output layer at every token
        # (1B: 3.4 s for 21 tokens instead of 0.3); a contiguous copy of the slice is the cure.
        head = model.get_output_embeddings()
        head.register_forward_pre_hook(lambda _, given: (given[0].clone(memory_format=torch.contiguous_format),))

    def start(self, adapters: Sequence[str | None], capacities: Sequence[int]) -> "PeftBatch":
        """A batch of rows, each with its adapter (a PEFT key) or the bare base; the caches grow as needed."""
        return PeftBatch(self.model, adapters)


class PeftBatch:
    """Rows that are being written; `extend` appends tokens to some of them."""

    def __init__(self, model: Any, adapters: Sequence[str | None]) -> None:
        self._model, self._adapters = model, adapters
        self._caches: list[Any] = [None] * len(adapters)

    @torch.inference_mode()
    def extend(self, spans: Sequence[Span]) -> torch.Tensor:
        """Append each span's tokens to its row; the logits after its last token, one line per span."""
        last = []
        for row, tokens in spans:
            ids = torch.tensor([list(tokens)], device=self._model.device)
            with self._adapter_on(self._adapters[row]):
                out = self._model(input_ids=ids, past_key_values=self._caches[row], use_cache=True, logits_to_keep=1)
            self._caches[row] = out.past_key_values
            last.append(out.logits[0, -1])
        return torch.stack(last)

    def _adapter_on(self, key: str | None) -> AbstractContextManager[None]:
        """Switch the model to this adapter; PEFT's `adapter_names` would do, were DoRA not refused there."""
        if key is not None:
            self._model.set_adapter(key, inference_mode=True)
            return nullcontext()
        return self._model.disable_adapter() if hasattr(self._model, "peft_config") else nullcontext()
