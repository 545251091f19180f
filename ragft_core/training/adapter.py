"""Trained weights become an adapter in use: saved, checked as the engine will check it, and copied whole."""

import errno
import json
import shutil
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from ..adapters import check_adapter, read_info
from ..errors import AdapterError, RunError
from ..examples.lessons import Lesson
from .student import Student

CHANGED = 1e-4  # least difference of logits that counts as a change


def keep(student: Student, weights: Mapping[str, Any], folder: Path, card: Mapping[str, Any]) -> Path:
    """Write the run's `adapter/` from these weights, whole or not at all, once it has passed every check."""
    from safetensors import SafetensorError

    student.put(dict(weights))
    new, target = folder / f".adapter-{uuid.uuid4().hex[:8]}" / folder.name, folder / "adapter"
    try:
        student.model.peft_config["default"].base_model_name_or_path = Path(student.base.name).name
        student.model.save_pretrained(new, safe_serialization=True, save_embedding_layers=False)
        write_card(new, card)
        check_adapter(student.base.model, student.base.sha256, read_info(new))
        shutil.rmtree(target, ignore_errors=True)
        new.rename(target)
    except SafetensorError as error:  # what safetensors makes of a full disk
        raise OSError(errno.ENOSPC, str(error), str(new)) from error
    finally:
        shutil.rmtree(new.parent, ignore_errors=True)
    return target


def changes_answers(student: Student, lessons: list[Lesson]) -> float:
    """The largest difference that the adapter makes to the next-token logits on 8 prompts. RunError when none."""
    student.model.eval()
    largest = 0.0
    for lesson in lessons[:8]:
        ids = torch.tensor([student.coder.chat.encode(lesson.messages)], device=student.base.device)
        with torch.no_grad(), student.arithmetic():
            tuned = student.model(input_ids=ids).logits[0, -1].float()
            with student.as_base():
                plain = student.model(input_ids=ids).logits[0, -1].float()
        largest = max(largest, float((tuned - plain).abs().max()))
    if lessons and largest < CHANGED:
        raise RunError("The trained adapter changes no answer. Train longer, or with a higher learning rate.")
    return largest


def publish(adapter: Path, home: Path, name: str) -> Path:
    """Copy a run's adapter to the home's adapters under its name, replacing only an earlier one of the same run."""
    target = Path(home) / "adapters" / name
    mine = json.loads((adapter / "adapter_card.json").read_text("utf-8"))["run"]
    if target.exists():
        try:
            other = json.loads((target / "adapter_card.json").read_text("utf-8")).get("run")
        except (OSError, ValueError, AttributeError):
            other = None
        if other != mine:
            raise AdapterError(f"There is another adapter {name} already; this one stays in {adapter}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{name}.{uuid.uuid4().hex[:8]}.new")
    old = target.with_name(f".{name}.{uuid.uuid4().hex[:8]}.old")
    try:
        shutil.copytree(adapter, new)
        if target.exists():
            target.rename(old)
        new.rename(target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return target


def card_of(config: Mapping[str, Any], student: Student, name: str, step: int, metrics: Mapping[str, Any]) -> dict:
    """What has to be known of an adapter: its data, recipe, base, precision and measured losses."""
    plan = config["plan"]
    whole = plan["method"] == "full"  # a matrix's own size is its rank then
    return {
        "name": name,
        "run": f"{name} {config['created']}",
        "recipe": config["recipe"]["name"],
        "recipe_settings": config["recipe"],
        "base": Path(student.base.name).name,
        "base_sha256": student.base.sha256,
        "base_revision": student.base.revision,
        "precision": student.precision,
        "data": Path(config["dataset"]).name,
        "data_sha256": config["data_sha256"],
        "split": config["split"],
        "method": plan["method"],
        "rank": 0 if whole else plan["rank"],
        "alpha": 0 if whole else plan["alpha"],
        "learning_rate": plan["learning_rate"],
        "steps": step,
        "seed": plan["seed"],
        "prompt_version": config["prompt_version"],
        "app_version": config["app_version"],
        "metrics": dict(metrics),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """adapter_card.json for the program and README.md for people."""
    (folder / "adapter_card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1), encoding="utf-8")
    kind = "A LoRA adapter" if card["rank"] else "Whole matrices, as an adapter of full rank,"
    rank = f"rank {card['rank']}" if card["rank"] else "full rank"
    losses = ", ".join(f"{key.replace('_', ' ')} {value:.3f}" for key, value in card["metrics"].items() if value)
    text = (
        f"# {card['name']}\n\n{kind} for {card['base']} (sha256 {card['base_sha256'][:12]}), made by RAGFT "
        f"{card['app_version']}.\n\n- recipe {card['recipe']}, {rank}, learning rate "
        f"{card['learning_rate']:g}, {card['steps']} steps, seed {card['seed']}, trained in {card['precision']}\n"
        f"- {card['split']['train']} rows of {card['data']} (sha256 {card['data_sha256'][:12]}), "
        f"{card['split']['validation']} held out\n- {losses}\n"
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
