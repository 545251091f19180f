"""Guesses at the next tokens: from where, how long, and how a row that is guessed wrong is left in peace."""

from hypothesis import given
from hypothesis import strategies as st

from ragft_core.prompt_lookup import LONGEST_REST, MOST, PromptLookup, agreed


def test_what_followed_the_same_tokens_last_is_guessed() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 9, 2, 3, 7, 8, 0, 2, 3])
    assert lookup.guess(9) == [7, 8, 0], "two tokens agree; the later place counts"
    assert PromptLookup([1, 2, 3, 4, 5, 9, 2, 3, 7, 1, 2, 3]).guess(9) == [4, 5, 9], "three tell more than two"
    assert PromptLookup([1, 2, 3, 4]).guess(9) == PromptLookup([]).guess(9) == PromptLookup([1]).guess(9) == []


def test_there_is_no_guess_beyond_the_room() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 1, 2])
    assert [lookup.guess(room) for room in (2, 1, 0, -1)] == [[3, 4], [3], [], []]


def test_right_guesses_become_longer_and_wrong_ones_rarer() -> None:
    text = [*range(40), 1, 2]
    lookup, sizes = PromptLookup(text), []
    while len(sizes) < 4:
        guess = lookup.guess(100)
        sizes.append(len(guess))
        lookup.learn(guess, [*guess, guess[-1] + 1])
    assert sizes == [3, 6, MOST, MOST]
    lookup, guessed = PromptLookup([1, 2, 3] * 5 + [1, 2]), []
    for _ in range(60):
        guess = lookup.guess(100)
        guessed.append(bool(guess))
        lookup.learn(guess, [50] if guess else [1, 2][len(guessed) % 2 :][:1])
    assert guessed[0] and sum(guessed) < 12
    assert max(len(run) for run in "".join("x" if one else "." for one in guessed).split("x")) <= LONGEST_REST + 1


def test_the_choice_counts_from_the_first_difference_on() -> None:
    assert agreed([5, 6], [5, 6, 7]) == [5, 6, 7]
    assert agreed([5, 6], [5, 8, 7]) == [5, 8]
    assert agreed([5, 6], [4, 6, 7]) == [4]
    assert agreed([], [4]) == [4]


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30), st.lists(st.integers(0, 3), max_size=40))
def test_a_guess_is_always_something_that_was_read(prompt: list[int], answer: list[int]) -> None:
    """Whatever the model goes on to choose, what comes out is its choice, token by token."""
    lookup, written = PromptLookup(prompt), list[int]()
    while len(written) < len(answer):
        guess = lookup.guess(len(answer) - len(written) - 1)
        rest = answer[len(written) :]
        assert len(guess) < len(rest) and len(guess) <= MOST
        text = [*prompt, *written]
        assert any(text[n : n + len(guess)] == guess for n in range(len(text)))
        tokens = agreed(guess, rest)
        lookup.learn(guess, tokens)
        written += tokens
    assert written == answer
