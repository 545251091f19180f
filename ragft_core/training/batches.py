"""Encoded lessons become batches of nearly one length: seeded, and short of padding."""

import random
from collections.abc import Sequence
from typing import Any

from ..examples.tokens import Encoded

# Padded tokens of one forward pass. On a CPU smaller passes stay in its cache: the embedded model trained on 2,044
# tokens/s in passes of 2,048, 1,879 in passes of 8,192 and 1,877 in passes of 512 (fp32, one core, RAFT lessons).
MOST_TOKENS = {"cpu": 2048, "cuda": 8192}
JITTER = 16  # tokens by which lengths are blurred before sorting, so that batches differ between epochs
IGNORED = -100


def epoch_batches(lessons: Sequence[Encoded], size: int, seed: int, epoch: int) -> list[list[Encoded]]:
    """All lessons in batches of `size`, neighbours in length, in random order; the same for the same arguments."""
    rng = random.Random(f"{seed}/{epoch}/batches")
    blurred = sorted(lessons, key=lambda lesson: lesson.length + rng.random() * JITTER)
    batches = [blurred[start : start + size] for start in range(0, len(blurred), size)]
    rng.shuffle(batches)
    return batches


def most_tokens(device: str) -> int:
    """The padded tokens of one forward pass on a device such as `cuda:0`."""
    return MOST_TOKENS.get(device.split(":")[0], MOST_TOKENS["cpu"])


def parts(batch: Sequence[Encoded], most: int) -> list[list[Encoded]]:
    """A batch cut into forward passes of at most so many padded tokens (at least one lesson each)."""
    ordered = sorted(batch, key=lambda lesson: lesson.length)
    cut: list[list[Encoded]] = []
    for lesson in ordered:
        if cut and (len(cut[-1]) + 1) * lesson.length <= most:
            cut[-1].append(lesson)
        else:
            cut.append([lesson])
    return cut


def padded(lessons: Sequence[Encoded], pad: int, device: str) -> tuple[Any, Any]:
    """(ids, labels) as tensors, padded on the right; labels are -100 wherever no loss is taken."""
    import torch

    longest = max(lesson.length for lesson in lessons)
    ids = torch.full((len(lessons), longest), pad, dtype=torch.long)
    labels = torch.full((len(lessons), longest), IGNORED, dtype=torch.long)
    for row, lesson in enumerate(lessons):
        ids[row, : lesson.length] = torch.tensor(lesson.ids)
        labels[row, lesson.start : lesson.length] = torch.tensor(lesson.ids[lesson.start :])
    return ids.to(device), labels.to(device)
