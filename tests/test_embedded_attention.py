"""Attention of pretraining: the same values and gradients as torch's own, for rows of any length."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from embedded.attention import QUERIES, blocks, causal_attention
from embedded.muon import orthogonal
from embedded.network import Network, Shape

SMALL = Shape(vocab=40, width=32, layers=2, heads=4, kv_heads=2, ff=48, window=512)


@pytest.mark.parametrize("length", [1, 7, QUERIES, QUERIES + 1, 2 * QUERIES + 5])
def test_values_and_gradients_are_those_of_torch(length):
    torch.manual_seed(length)
    q = torch.randn(6, 2, length, 8, requires_grad=True)
    k, v = (torch.randn(6, length, 8, requires_grad=True) for _ in range(2))
    slope = torch.randn_like(q)
    mine = causal_attention(q, k, v)[0]
    gradients = torch.autograd.grad(mine, (q, k, v), slope)
    theirs = F.scaled_dot_product_attention(q, k[:, None], v[:, None], is_causal=True, scale=1.0)
    for got, expected in zip(gradients, torch.autograd.grad(theirs, (q, k, v), slope), strict=True):
        assert torch.allclose(got, expected, atol=1e-4)
    assert torch.allclose(mine, theirs, atol=1e-5)


def test_blocks_are_even_and_cover_every_position():
    for length in (1, QUERIES, QUERIES + 1, 1000):
        spans = list(blocks(length))
        assert spans[0][0] == 0 and spans[-1][1] == length
        assert all(end == start for (_, end), (start, _) in itertools.pairwise(spans))
        assert max(end - start for start, end in spans) <= QUERIES


def test_the_network_says_the_same_while_it_trains():
    torch.manual_seed(3)
    network, ids = Network(SMALL), torch.randint(0, 40, (2, QUERIES + 9))
    with torch.no_grad():
        training, evaluating = network.train()(ids), network.eval()(ids)
    assert torch.allclose(training, evaluating, atol=1e-4)


@pytest.mark.parametrize("shape", [(24, 24), (40, 16), (16, 40)])
def test_orthogonal_levels_the_singular_values_also_in_bfloat16(shape):
    torch.manual_seed(4)
    gradient = torch.randn(shape) * torch.logspace(0, -1, shape[1])
    exact, coarse = (orthogonal(gradient, 5, precision) for precision in (torch.float32, torch.bfloat16))
    sizes = torch.linalg.svdvals(exact)
    assert sizes[len(sizes) // 2] > 0.6 and sizes[0] < 1.3 < torch.linalg.svdvals(gradient)[0]
    assert F.cosine_similarity(exact.flatten(), coarse.flatten(), dim=0) > 0.999
