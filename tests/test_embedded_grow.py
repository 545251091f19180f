"""A model with new blocks says what the old one says, until it learns."""

import pytest
import torch

from embedded.grow import grow, order
from embedded.muon import Muon
from embedded.network import Network, Shape
from embedded.pretrain import Progress, open_model, save

TINY = Shape(vocab=32, width=16, layers=3, heads=2, kv_heads=1, ff=16)
IDS = torch.arange(12).view(2, 6)


@pytest.fixture
def start(tmp_path):
    torch.manual_seed(0)
    model = Network(TINY)
    save(tmp_path / "start.pt", model, Muon(model), Progress(step=7, tokens=99))
    return tmp_path / "start.pt"


@pytest.mark.parametrize("layers", [4, 5, 6])
def test_the_deeper_model_says_the_same_and_keeps_the_count_of_tokens(start, tmp_path, layers):
    grow(start, layers, tmp_path / "new" / "out.pt")
    old = open_model(start, TINY, "cpu")[0].eval()
    new, _, progress = open_model(tmp_path / "new" / "out.pt", TINY, "cpu")
    assert new.shape.layers == layers and (progress.step, progress.tokens) == (7, 99)
    assert torch.equal(old(IDS), new.eval()(IDS))


def test_the_new_blocks_learn(start, tmp_path):
    model = grow(start, 4, tmp_path / "out.pt").train()
    before = {name: value.clone() for name, value in model.state_dict().items() if "o_proj" in name}
    silent = [name for name, value in before.items() if not value.any()]
    assert len(silent) == 1
    model.loss(IDS, torch.arange(12), IDS.flatten(), torch.ones(12)).backward()
    Muon(model).step(1.0)
    assert model.state_dict()[silent[0]].any()


def test_copies_are_spread_evenly():
    assert order(6, 8) == [(0, False), (1, False), (1, True), (2, False), (3, False), (3, True), (4, False), (5, False)]
    assert [copy for _, copy in order(2, 4)] == [False, True] * 2
    assert len(order(5, 9)) == 9
    for layers in (6, 13, 2):
        with pytest.raises(ValueError, match="grows to 7 to 12"):
            order(6, layers)
