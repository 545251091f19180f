"""Sentences end where a reader would end them, and nothing of the text is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragft_core.documents.sentences import sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("We open at 8. We close at 6.", ["We open at 8. ", "We close at 6."]),
        ("Dr. Holt and J. Nadir, e.g. on Mondays. No. 4.", ["Dr. Holt and J. Nadir, e.g. on Mondays. ", "No. ", "4."]),
        ("It costs 4.50 euros! Really? Yes…  Good", ["It costs 4.50 euros! ", "Really? ", "Yes…  ", "Good"]),
        ('He said "Stop." Then (so it goes.) He left.', ['He said "Stop." ', "Then (so it goes.) ", "He left."]),
        ("診療所は八時に開きます。日曜日は休みです！はい", ["診療所は八時に開きます。", "日曜日は休みです！", "はい"]),
        ("A title\n\nThe text", ["A title\n\n", "The text"]),
        ("approx. ten, in the U.S. and abroad", ["approx. ten, in the U.S. and abroad"]),
        ("One line\nand the next.", ["One line\nand the next."]),
        ("...", ["..."]),
        ("", []),
    ],
)  # fmt: skip
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@given(st.text(st.sampled_from("aB. !?。\n\"')Dr")))
def test_joined_they_are_the_text_again(text: str) -> None:
    assert "".join(sentences(text)) == text
    assert all(sentences(text))
