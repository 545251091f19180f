"""Ordinary prose, whose questions name no thing: themes of sentences with slots, from everyday.txt.

A theme begins with `= title/title`; its sentences have slots, `{a/b/c}` for written alternatives or `{type}` for a
drawn value; a question line under a sentence is the number of the slot it asks for, then question forms.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from embedded.amounts import AMOUNTS
from embedded.reading import Item, Passage, Reading
from embedded.values import upper_first

SOURCE = Path(__file__).with_name("everyday.txt")
HELD_OUT = 10  # every tenth theme is only for tests
_SLOT = re.compile(r"\{(.+?)\}")


@dataclass
class Template:
    """A sentence with slots, and the question forms for each of the slots that can be asked for."""

    text: str
    questions: dict[int, list[str]] = field(default_factory=dict)

    def draw(self, r: random.Random) -> tuple[str, list[tuple[str, str]]]:
        """A sentence and, in random order, one question and answer for each slot that can be asked for."""
        values = [_value(r, slot) for slot in _SLOT.findall(self.text)]
        drawn = iter(values)
        sentence = upper_first(_SLOT.sub(lambda _: next(drawn), self.text))
        asked = []
        for slot, forms in self.questions.items():
            question = re.sub(r"\{(\d)\}", lambda m: values[int(m[1]) - 1], r.choice(forms))
            asked.append((upper_first(question), values[slot - 1]))
        r.shuffle(asked)
        return sentence, asked


@dataclass
class Theme:
    titles: list[str]
    templates: list[Template] = field(default_factory=list)


def _value(r: random.Random, slot: str) -> str:
    return r.choice(slot.split("/")) if "/" in slot else AMOUNTS[slot](r)


@cache
def themes(held_out: bool) -> tuple[Theme, ...]:
    """The themes of training, or those that only tests see."""
    found: list[Theme] = []
    for line in SOURCE.read_text("utf-8").splitlines():
        if line.startswith("= "):
            found.append(Theme(line[2:].split("/")))
        elif line.startswith("  "):
            slot, _, forms = line.strip().partition(" ")
            found[-1].templates[-1].questions.setdefault(int(slot), []).extend(forms.split("|"))
        elif line:
            found[-1].templates.append(Template(line))
    return tuple(theme for n, theme in enumerate(found) if (n % HELD_OUT == HELD_OUT - 1) == held_out)


def reading(r: random.Random, passages: int, held_out: bool = False) -> Reading:
    """Passages of different themes; what their themes could say and do not is asked too."""
    out = Reading([], [])
    for index, theme in enumerate(r.sample(themes(held_out), passages)):
        passage = Passage(r.choice(theme.titles))
        most = min(len(theme.templates), 10 if passages == 1 else 6 if passages == 2 else 4)
        said = set(r.sample(range(len(theme.templates)), r.randint(2, most)))
        for place, template in enumerate(theme.templates):
            sentence, asked = template.draw(r)
            if place in said:
                passage.sentences.append(sentence)
                out.items += [Item(question, index, sentence, value) for question, value in asked[:2]]
            elif asked and r.random() < 0.35:
                out.items.append(Item(asked[0][0]))
        out.passages.append(passage)
    return out
