"""A question becomes numbers: how likely the model finds it after each of some texts."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch

from .chat import Chat
from .errors import ModelError, QuestionError
from .prompts import ASK_ABOUT, system_and_user


def likelihoods(model: Any, chat: Chat, window: int, question: str, texts: Sequence[str]) -> list[float]:
    """The mean log-likelihood of the question's tokens as the answer to "which question does this text answer?".

    One number per text, at most 0, higher is likelier (Sachan et al. 2022, arXiv 2204.07496). The adapters are off.
    A text too long for the context `window` loses its end. ModelError when the model cannot read the question.
    """
    asked = chat.tokenizer(chat.neutral(question), add_special_tokens=False)["input_ids"]
    if not asked or len(asked) > window // 2:
        raise ModelError("the question is too long for the model to order passages by.")
    bare = model.disable_adapter() if hasattr(model, "peft_config") else nullcontext()
    try:
        with bare, torch.inference_mode():
            return [_mean(model, _prompt(chat, text, window - len(asked)), asked) for text in texts]
    except QuestionError as error:
        raise ModelError(str(error)) from error
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ModelError("there is not enough memory to order passages by the model.") from error


def _prompt(chat: Chat, text: str, room: int) -> list[int]:
    text = " ".join(text.split())
    while True:
        ids = chat.encode(system_and_user(ASK_ABOUT, text))
        if len(ids) <= room or not text:
            return ids
        text = text[: int(len(text) * room / len(ids)) - 1]


def _mean(model: Any, prompt: list[int], asked: list[int]) -> float:
    ids = torch.tensor([prompt + asked], device=model.device)
    # the logits before each token of the question; of the whole prompt they would be megabytes
    logits = model(input_ids=ids, use_cache=False, logits_to_keep=len(asked) + 1).logits[0, :-1].float()
    chances = torch.log_softmax(logits, -1)
    return float(chances.gather(1, ids[0, -len(asked) :, None]).mean())
