"""The base model becomes a student: LoRA layers on it, a loss on answers only, and greedy answers."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..errors import ModelError, RunError
from ..examples.tokens import Encoded, LessonCoder
from ..model import LoadedBase, computes_in_bf16, cores, load_base
from ..settings import Settings
from ..types import Message
from .batches import IGNORED, most_tokens, padded, parts
from .full import full_rank, train_whole
from .mixed import multiply_in_bf16
from .plan import Plan

# Their logits are the output layer of the last hidden states and nothing else, so only answer tokens need it.
MOST_THREADS = 4
PLAIN_HEADS = {"llama", "mistral", "qwen2", "qwen3", "phi3", "smollm3", "olmo2"}


@dataclass
class Student:
    """A base with a trainable adapter. Nothing but the adapter's weights ever changes.

    `threads` compute a training pass on a CPU; answers are written by as many as the engine would take. `precision` is
    that of training: the base's, or mixed.
    """

    model: Any
    base: LoadedBase
    coder: LessonCoder
    threads: int = 1
    precision: str = ""

    @property
    def weights(self) -> dict[str, Any]:
        """The trainable tensors by name."""
        return {name: value for name, value in self.model.named_parameters() if value.requires_grad}

    def put(self, weights: dict[str, Any]) -> None:
        """Set the trainable tensors."""
        with torch.no_grad():
            for name, value in self.weights.items():
                value.copy_(weights[name])

    def loss(self, batch: Sequence[Encoded], backward: bool = False, total: int = 0) -> tuple[float, int]:
        """(summed loss, answer tokens) of a batch; with `backward` the gradients of its mean are added up.

        `total` is given for a part of a batch: the answer tokens of the whole, over which the mean is taken.
        """
        total = total or sum(lesson.length - lesson.start for lesson in batch)
        summed = 0.0
        torch.set_num_threads(self.threads)
        for part in parts(batch, most_tokens(self.base.device)):
            ids, labels = padded(part, self.coder.tokenizer.pad_token_id or 0, self.base.device)
            with torch.set_grad_enabled(backward), self.arithmetic():
                loss = self._summed(ids, labels)
            if backward:
                (loss / total).backward()
            summed += float(loss.detach())
        return summed, total

    def _summed(self, ids: Any, labels: Any) -> Any:
        row, column = (labels[:, 1:] != IGNORED).nonzero(as_tuple=True)
        targets = labels[:, 1:][row, column]
        causal = self.model.get_base_model()
        if causal.config.model_type in PLAIN_HEADS:
            hidden = causal.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
            logits = causal.get_output_embeddings()(hidden[row, column])
        else:
            mask = (torch.arange(ids.shape[1], device=ids.device) < _lengths(labels)[:, None]).long()
            logits = self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits[row, column]
        return torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum")

    def write(self, prompts: Sequence[Sequence[Message]], most: int = 64, batch: int = 8) -> list[str]:
        """Greedy answers to prompts, in order; prompts of neighbouring length are written together."""
        torch.set_num_threads(self.base.threads)
        encoded = [self.coder.chat.encode(prompt) for prompt in prompts]
        order = sorted(range(len(encoded)), key=lambda n: len(encoded[n]))
        answers = [""] * len(encoded)
        tokenizer = self.coder.tokenizer
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            longest = max(len(encoded[n]) for n in chosen)
            ids = torch.tensor([[pad] * (longest - len(encoded[n])) + encoded[n] for n in chosen])
            mask = torch.tensor([[0] * (longest - len(encoded[n])) + [1] * len(encoded[n]) for n in chosen])
            with torch.no_grad(), self.arithmetic():
                out = self.model.generate(
                    input_ids=ids.to(self.base.device),
                    attention_mask=mask.to(self.base.device),
                    do_sample=False,
                    max_new_tokens=most,
                    pad_token_id=pad,
                )
            for n, tokens in zip(chosen, out[:, longest:].tolist(), strict=True):
                answers[n] = tokenizer.decode(tokens, skip_special_tokens=True).strip()
        return answers

    @contextlib.contextmanager
    def as_base(self) -> Iterator[None]:
        """The bare base, as it was before training."""
        with self.model.disable_adapter():
            yield

    def arithmetic(self) -> Any:
        """bf16 arithmetic unless the weights are fp32."""
        if self.base.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.base.device.split(":")[0], dtype=torch.bfloat16)


def load_student(settings: Settings, plan: Plan, processes: int = 1) -> Student:
    """The base of the settings with fresh LoRA layers as the plan says; it is one of so many processes here.

    ModelError or RunError.
    """
    from peft import get_peft_model

    base = load_base(settings)
    # bitsandbytes repacks 4-bit weights at the first evaluation on such CPUs, after which the gradients of all
    # layers below are lost without a word (grad norm 14.2 -> 1.0, design/performance.md section 2, trap 1).
    for module in base.model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    layers = int(getattr(base.model.config, "num_hidden_layers", 0))
    if plan.frozen_layers and plan.frozen_layers >= layers:
        raise RunError(f"All {layers} layers of the model would be frozen; freeze fewer.")
    torch.manual_seed(plan.seed)
    lora = _layers(base.model, plan, layers)
    try:
        model = get_peft_model(base.model, lora)
    except (ValueError, NotImplementedError) as error:
        raise ModelError(f"LoRA layers cannot be put on the model {base.name}: {str(error)[:300]}") from error
    if plan.method == "full":
        train_whole(model)
    if plan.checkpointing:
        base.model.gradient_checkpointing_enable({"use_reentrant": False})
    able = plan.precision == "mixed" and base.device == "cpu" and computes_in_bf16()
    precision = "mixed" if able and multiply_in_bf16(model) else base.precision
    threads = training_threads(settings, base.threads, processes)
    return Student(model, base, LessonCoder(base.tokenizer), threads, precision)


def _layers(model: Any, plan: Plan, layers: int) -> Any:
    """What PEFT is to put on which of so many layers."""
    from peft import LoraConfig

    places = list(range(plan.frozen_layers, layers)) if plan.frozen_layers else None
    if plan.method == "full":
        return full_rank(model, _targets(model, plan), places)
    return LoraConfig(
        r=plan.rank,
        lora_alpha=plan.alpha,
        lora_dropout=plan.dropout,
        target_modules=_targets(model, plan),
        layers_to_transform=places,
        task_type="CAUSAL_LM",
    )


def _targets(model: Any, plan: Plan) -> str | list[str]:
    """Which linear layers get LoRA; PEFT wants their names where some of the model's layers stay frozen."""
    if plan.targets == "attention":
        return ["q_proj", "k_proj", "v_proj", "o_proj"]
    if not plan.frozen_layers:
        return "all-linear"
    named = model.get_decoder().named_modules()
    return sorted({name.rpartition(".")[2] for name, module in named if isinstance(module, torch.nn.Linear)})


def training_threads(settings: Settings, writing: int, processes: int = 1) -> int:
    """As set in the settings or for OpenMP; else this process's part of the cores, for a small model at most four.

    `writing` is what the engine would take to write answers, one for a small model.

    A pass over 2,048 tokens is work enough to share even for a small model: 2 threads computed 1,470 tokens per
    CPU second and 1 thread 1,690, so about 1.7 times as many per second (the embedded model, fp32, a busy machine).
    """
    given = settings.threads or int(os.environ.get("OMP_NUM_THREADS", "0") or 0)
    return given or max(1, min(max(writing, MOST_THREADS), cores()) // processes)


def _lengths(labels: Any) -> Any:
    """Where each row ends: one past its last label."""
    places = torch.arange(labels.shape[1], device=labels.device)
    return torch.where(labels != IGNORED, places + 1, 0).max(dim=1).values
