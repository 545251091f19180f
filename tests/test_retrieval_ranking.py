"""Words in any script, ranks from several lists, and vectors from whatever the embedding model says."""

import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragft_core import Settings
from ragft_core.errors import ModelError
from ragft_core.retrieval.bert import fits
from ragft_core.retrieval.embedding import PACKAGED, Embedder, identity, locate, unit
from ragft_core.retrieval.fusion import fuse
from ragft_core.retrieval.keyword import Keyword, Stems, words
from ragft_core.retrieval.shelf import Change

# -------------------------------------------------------------------- fusion


def test_fusion_adds_reciprocal_ranks() -> None:
    assert fuse(["a", "b"], ["b", "c"]) == {"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62}
    assert list(fuse(["a", "b"], ["b", "c"])) == ["b", "a", "c"]


def test_ties_go_to_the_first_list() -> None:
    assert list(fuse(["a", "b"], ["c", "d"])) == ["a", "c", "b", "d"]
    assert list(fuse(["c", "d"], ["a", "b"])) == ["c", "a", "d", "b"]


def test_fusion_of_little() -> None:
    assert fuse() == fuse([], []) == {}
    assert list(fuse(["a", "b"], [])) == ["a", "b"]
    assert fuse(["a", "a", "b"]) == fuse(["a", "b"])


rankings = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=3)


@given(rankings)
def test_fusion_keeps_everything_in_falling_order(lists: list[list[str]]) -> None:
    fused = fuse(*lists)
    assert set(fused) == {key for one in lists for key in one}
    assert list(fused.values()) == sorted(fused.values(), reverse=True)
    assert list(fuse(*lists)) == list(fused)


@given(st.lists(st.sampled_from("abcdefgh"), unique=True), st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_who_leads_both_lists_leads(one: list[str], two: list[str]) -> None:
    assert next(iter(fuse(["x", *one], ["x", *two]))) == "x"


# -------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dr. HOLT's room: 14A", ["dr", "holt", "s", "room", "14a"]),
        ("Ｆｕｌｌ ＷＩＤＴＨ ﬁne", ["full", "width", "fine"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("snake_case e-mail", ["snake", "case", "e", "mail"]),
        ("Клиника ОТКРЫТА", ["клиника", "открыта"]),
        ("日本", ["日", "本", "日本"]),
        ("iPhoneは8時", ["は", "時", "iphone", "8"]),
        ("🙂 -- ?!", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text())
def test_words_of_any_text(text: str) -> None:
    assert all(word and word == word.casefold() for word in words(text))


def test_rare_words_weigh_more() -> None:
    index = Keyword.of({"1": "the flu shot costs money", "2": "the room costs money", "3": "the money"})
    assert list(index.best("the flu money", 9)) == ["1", "3", "2"]
    assert list(index.best("ROOM", 9)) == ["2"]
    assert index.best("nothing here", 9) == index.best("", 9) == {}


def test_english_words_are_found_by_their_stem() -> None:
    index = Keyword.of(
        {"1": "prices of vaccinations", "2": "the room", "3": "Preisliste", "4": "code 1205", "5": "цены"}
    )
    assert list(index.best("What is the price of a vaccination?", 9)) == ["1"]
    for word, found in {"1205": ["4"], "120": [], "Preisliste": ["3"], "цены": ["5"], "цена": []}.items():
        assert list(index.best(word, 9)) == found


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=30))
def test_every_word_still_finds_itself(word: str) -> None:
    assert list(Keyword.of({"1": word}).best(word, 1)) == (["1"] if words(word) else [])


def test_numbers_and_words_with_other_letters_have_no_stem() -> None:
    for word in ("2024", "14a", "öffnungszeiten", "naïves", "клиники", "x1s", "is"):
        assert Stems()(word) == [word]
    assert Stems()("running costs") == ["run", "cost"]


def test_question_words_count_only_when_there_is_nothing_else() -> None:
    index = Keyword.of({"1": "what is what", "2": "the who", "3": "a clinic"})
    assert list(index.best("what is the clinic", 9)) == ["3"]
    assert next(iter(index.best("The Who", 9))) == "2"


def test_only_the_best_and_only_among_the_chosen() -> None:
    texts = {str(n): "word " * (n % 7 + 1) + "other " * n for n in range(40)}
    index = Keyword.of(texts)
    whole = index.best("word", 99)
    assert list(index.best("word", 5)) == list(whole)[:5] and len(whole) == 40
    assert list(index.best("word", 99, {"3", "8"})) == [key for key in whole if key in ("3", "8")]
    assert index.best("word", 9, set()) == {} == index.best("word", 0)


def test_equal_scores_are_ordered_by_id() -> None:
    assert list(Keyword.of({"b": "one word", "a": "one word", "c": "one word"}).best("word", 9)) == ["a", "b", "c"]


def test_texts_without_words_do_no_harm() -> None:
    assert Keyword.of({}).best("x", 9) == Keyword.of({"1": "?!", "2": ""}).best("x", 9) == {}
    assert list(Keyword.of({"1": "?!", "2": "x"}).best("x", 9)) == ["2"]


# -------------------------------------------------------------------- changes


ids = st.lists(st.sampled_from("abcd"), unique=True).map(tuple)


@given(st.sets(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd"), max_size=8))
def test_changes_add_up(before: set[str], toggled: list[str]) -> None:
    now, total = set(before), Change()
    for key in toggled:
        step = Change(gone=(key,)) if key in now else Change(came=(key,))
        now ^= {key}
        total = total.then(step)
    assert (before | set(total.came)) - set(total.gone) == now
    assert not set(total.came) & before
    assert set(total.gone) <= before


# -------------------------------------------------------------------- embedding


def test_vectors_get_length_one() -> None:
    rows = unit([[3, 4], [0, 2]], 2, "m")
    assert rows.dtype == np.float32
    assert rows.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 1]]


@pytest.mark.parametrize("bad", [[[0, 0]], [[float("nan"), 1]], [[float("inf"), 1]]])
def test_what_is_no_direction_is_refused(bad: list) -> None:
    with pytest.raises(ModelError, match="without a direction"):
        unit(bad, 1, "m")


def test_the_packaged_model_is_found_without_loading_it() -> None:
    folder = locate(PACKAGED)
    assert folder is not None
    assert (folder / "model.safetensors").is_file()
    assert identity(PACKAGED) == identity(PACKAGED)
    assert identity(PACKAGED).startswith(f"{PACKAGED}@")


def test_where_an_embedding_model_may_be(tmp_path: Path) -> None:
    assert locate(str(tmp_path)) == tmp_path
    assert locate("BAAI/bge-small-en") is None
    assert identity("BAAI/bge-small-en") == "BAAI/bge-small-en"
    for wrong in ("nowhere", "/no/where", "./nowhere", "~/nowhere", "a/b/c"):
        with pytest.raises(ModelError, match="There is no embedding model"):
            locate(wrong)
    with pytest.raises(ModelError, match=r"no \.safetensors"):
        identity(str(tmp_path))


def test_the_name_changes_with_the_weights(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"one")
    first = identity(str(tmp_path))
    weights.write_bytes(b"two")
    assert identity(str(tmp_path)) != first


@pytest.mark.parametrize("broken", ["model.safetensors", "tokenizer.json", "sentence_bert_config.json"])
def test_a_damaged_model_folder_is_a_sentence(tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(locate(PACKAGED), folder)
    (folder / broken).write_bytes(b"not what it was")
    assert fits(folder)
    with pytest.raises(ModelError, match="cannot be loaded"):
        Embedder(Settings(embedding=str(folder))).question("x")


def test_a_question_goes_before_the_next_batch() -> None:
    """However many batches an ingest has, a search waits for the running one only."""
    order: list[str] = []

    def slow(texts: list[str]) -> list[list[float]]:
        time.sleep(0.05)
        order.append(texts[0])
        return [[1.0]] * len(texts)

    embedder = Embedder(Settings(embedding="m"), slow)
    ingest = threading.Thread(target=lambda: [embedder.texts(["batch"]) for _ in range(10)])
    ingest.start()
    time.sleep(0.07)
    embedder.question("question")
    assert order.index("question") <= 3
    ingest.join()
