"""The two rerankers with real weights: the embedded language model, and a cross-encoder of our own making."""

from pathlib import Path

import pytest
import torch

from ragft_core.engine import Engine
from ragft_core.errors import ModelError
from ragft_core.prompts import ASK_ABOUT, system_and_user
from ragft_core.retrieval.rerank import CrossEncoder, reranked
from ragft_core.settings import ASSETS, Settings
from ragft_core.types import Passage

pytestmark = pytest.mark.slow
QUESTION = "What does the flu shot cost?"
TEXTS = ["The flu shot costs 23 euros.", "The moon is far away.", "word " * 3000]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    settings = Settings.load(home=tmp_path_factory.mktemp("home"), precision="fp32")
    return Engine.load(settings, [ASSETS / "adapters"])


def test_likelihoods_are_those_of_the_whole_text(engine: Engine) -> None:
    """Against one plain pass over everything, softmax at every place."""
    got = engine.likelihoods(QUESTION, TEXTS[:2])
    tokenizer, model = engine._chat.tokenizer, engine._model
    asked = tokenizer(QUESTION, add_special_tokens=False)["input_ids"]
    for text, score in zip(TEXTS, got, strict=False):
        prompt = engine._chat.encode(system_and_user(ASK_ABOUT, text))
        with model.disable_adapter(), torch.inference_mode():
            logits = model(input_ids=torch.tensor([prompt + asked])).logits[0].float()
        each = [torch.log_softmax(logits[len(prompt) + n - 1], -1)[token] for n, token in enumerate(asked)]
        assert score == pytest.approx(float(torch.stack(each).mean()), abs=1e-4)


def test_a_text_longer_than_the_window_is_cut_and_an_adapter_changes_nothing(engine: Engine) -> None:
    before = engine.likelihoods(QUESTION, TEXTS)
    assert len(before) == 3 and all(score < 0 for score in before)
    assert before[0] > before[1]
    engine.describe_adapter("clinic-raft")
    assert engine.likelihoods(QUESTION, TEXTS) == pytest.approx(before, abs=1e-4)


def test_a_question_that_fills_the_window_is_refused(engine: Engine) -> None:
    with pytest.raises(ModelError, match="too long"):
        engine.likelihoods("why " * 2000, TEXTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with one label; its weights are random, so only that it is used is tested."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    place = tmp_path_factory.mktemp("cross") / "model"
    place.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"the flu shot costs 23 euros moon is far away ? .".split()]
    (place / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(vocab_file=str(place / "vocab.txt")).save_pretrained(place)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(words), num_labels=1, max_position_embeddings=64, **sizes)
    BertForSequenceClassification(config).save_pretrained(place)
    return place


def test_a_local_cross_encoder_orders_passages(folder: Path) -> None:
    cross = CrossEncoder(str(folder), "cpu")
    passages = {str(n): Passage(str(n), text, "a.md", 0.0) for n, text in enumerate(TEXTS[:2])}
    scores, note = reranked(QUESTION, passages, cross, lambda: None)
    assert set(scores) == {"0", "1"} and list(scores.values()) == sorted(scores.values(), reverse=True)
    assert str(folder) in note
    assert scores == reranked(QUESTION, passages, cross, lambda: None)[0]


@pytest.mark.parametrize("name", ["/no/such/model", "./nothing", "justaword"])
def test_a_missing_cross_encoder_leaves_the_order_and_says_why(name: str) -> None:
    passages = {"a": Passage("a", "text", "a.md", 0.0)}
    scores, note = reranked("q", passages, CrossEncoder(name), lambda: None)
    assert scores == {} and "There is no cross-encoder" in note


def test_pickled_weights_are_never_read(folder: Path, tmp_path: Path) -> None:
    import shutil

    bad = tmp_path / "pickled"
    shutil.copytree(folder, bad)
    (bad / "model.safetensors").unlink()
    torch.save({}, bad / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be used"):
        CrossEncoder(str(bad), "cpu").scores("q", ["text"])
