"""Processes under torchrun become one worker: each takes its part of a batch, and their gradients are added up."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

Value = TypeVar("Value")
PATIENCE = timedelta(days=7)  # a run may wait long for its turn; torchrun itself sees when a process dies


@dataclass
class Team:
    """This process among `size`; the first one (rank 0) decides, evaluates and writes, the others compute."""

    rank: int = 0
    size: int = 1
    joined: bool = False

    @classmethod
    def from_environment(cls) -> "Team":
        """What torchrun or `accelerate launch` says; alone when nobody says anything."""
        return cls(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))

    @property
    def first(self) -> bool:
        return self.rank == 0

    def join(self, device: str) -> None:
        """Wait for the others. Over gloo on CPUs, over NCCL with a GPU each."""
        if self.size == 1:
            return
        import torch

        gpu = device != "cpu" and torch.cuda.is_available()
        if gpu:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        torch.distributed.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
        self.joined = True

    def leave(self) -> None:
        if self.joined:
            import torch

            with suppress(RuntimeError):
                torch.distributed.destroy_process_group()

    def share(self, batch: Sequence[Value]) -> list[Value]:
        """This process's part of a batch whose rows are sorted by length: every n-th row."""
        return list(batch[self.rank :: self.size])

    def add(self, tensors: Sequence[Any]) -> None:
        """Replace each tensor by its sum over all processes."""
        if self.size == 1:
            return
        import torch

        flat = torch.cat([tensor.reshape(-1).float() for tensor in tensors])
        torch.distributed.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def told(self, value: Value) -> Value:
        """The first process's value, in all of them."""
        if self.size == 1:
            return value
        import torch

        box = [value]
        torch.distributed.broadcast_object_list(box)
        return box[0]
