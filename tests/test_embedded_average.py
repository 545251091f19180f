"""Weights of one training are averaged, and two processes meet half way, without any real weights."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from embedded.average import average
from embedded.export import card_of, config_of
from embedded.mix import GROWING
from embedded.muon import Muon
from embedded.network import Network, Shape
from embedded.pretrain import Progress, blend, open_model, save, source_of

TINY = Shape(vocab=32, width=16, layers=1, heads=2, kv_heads=1, ff=16)
NAME = "model.embed_tokens.weight"


def written(path: Path, value: float, shape: Shape = TINY, step: int = 0) -> Network:
    """A checkpoint all of whose embeddings are one number."""
    model = Network(shape)
    model.state_dict()[NAME].fill_(value)
    save(path, model, Muon(model), Progress(step=step))
    return model


def test_the_mean_has_the_weights_of_all_and_the_progress_of_the_last(tmp_path):
    for number, value in enumerate((1.0, 2.0, 6.0)):
        written(tmp_path / f"{number}.pt", value, step=number)
    average([tmp_path / f"{number}.pt" for number in range(3)], tmp_path / "mean.pt")
    model, _, progress = open_model(tmp_path / "mean.pt", TINY, "cpu")
    assert torch.equal(model.state_dict()[NAME], torch.full((32, 16), 3.0))
    assert progress.step == 2 and progress.tokens == 0
    assert "the mean of 3 checkpoints" in card_of(tmp_path / "mean.pt")
    assert "those of the last step" in card_of(tmp_path / "0.pt")


def test_the_tokens_of_all_processes_can_be_stated(tmp_path):
    written(tmp_path / "a.pt", 1.0)
    average([tmp_path / "a.pt"], tmp_path / "mean.pt", 5_000_000)
    assert "5.0 million tokens" in card_of(tmp_path / "mean.pt")


def test_checkpoints_of_two_shapes_have_no_mean(tmp_path):
    written(tmp_path / "a.pt", 1.0)
    written(tmp_path / "b.pt", 1.0, replace(TINY, ff=32))
    with pytest.raises(ValueError, match="different shapes"):
        average([tmp_path / "a.pt", tmp_path / "b.pt"], tmp_path / "mean.pt")
    assert not (tmp_path / "mean.pt").exists()


def test_a_process_meets_its_partner_half_way_once_for_each_of_its_saves(tmp_path):
    partner = tmp_path / "partner.pt"
    mine = written(tmp_path / "mine.pt", 1.0)
    assert blend(mine, partner, 5.0) == 5.0  # the partner has not saved yet
    written(partner, 3.0)
    os.utime(partner, (10.0, 10.0))
    assert blend(mine, partner, 5.0) == 10.0
    assert torch.equal(mine.state_dict()[NAME], torch.full((32, 16), 2.0))
    assert blend(mine, partner, 10.0) == 10.0
    assert torch.equal(mine.state_dict()[NAME], torch.full((32, 16), 2.0))


def test_training_goes_on_from_exported_weights(tmp_path):
    theirs = Network(TINY)
    save_file({name: value.contiguous() for name, value in theirs.state_dict().items()}, tmp_path / "model.safetensors")
    config_of(TINY).save_pretrained(tmp_path)
    options = argparse.Namespace(start=str(tmp_path), home=str(tmp_path / "home"), name="look.pt")
    model, optimiser, progress = open_model(source_of(options), Shape(), "cpu")
    assert model.shape == TINY
    assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in model.state_dict().items())
    assert progress.step == 0 and progress.tokens == GROWING and not any(m.any() for m in optimiser.momentum.values())
    options.start = ""
    assert source_of(options) == tmp_path / "home" / "look.pt"
