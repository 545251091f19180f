"""A file of examples on the way to a run: checked once, its lessons made once per recipe, its cost told at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from ..examples.check import Check, check, shown
from ..examples.lessons import Lesson, Recipe, epoch_lessons
from ..examples.passages import Search, with_passages
from ..examples.rows import Example
from ..examples.tokens import LessonCoder
from ..model import load_tokenizer
from ..settings import Settings
from ..weights import find_weights
from .estimate import Estimate, estimate
from .plan import Plan, make_plan


class Draft:
    """What a page needs to know of a file before a run is started; starting reads the file again."""

    def __init__(
        self,
        settings: Settings,
        path: Path,
        mapping: Mapping[str, str] | None = None,
        others: Sequence[Path] = (),
        search: Search | None = None,
        tokenizer: Any = None,
    ) -> None:
        """Read, lint and split the file; with `search` also look for its questions in the documents. DatasetError."""
        self.settings, self.path, self.mapping = settings, path, mapping
        self.weights = find_weights(settings.model, settings.revision)
        self.coder = LessonCoder(tokenizer or load_tokenizer(settings))
        window = int(self.weights.config.get("max_position_embeddings", 0))
        self.check: Check = check(
            path, mapping=mapping, tokenizer=self.coder.tokenizer, window=window, others=others, search=search
        )
        self._lessons: dict[Recipe, list[Lesson]] = {}
        self._opened: Sequence[Example] | None = None
        self._lock = Lock()

    @property
    def rows(self) -> tuple[Example, ...]:
        """The rows that would be trained on."""
        return self.check.split.train

    def lessons(self, recipe: Recipe, search: Search | None = None) -> list[Lesson]:
        """The lessons of the first epoch, as a run makes them; passages come from `search`, asked once per group."""
        with self._lock:
            if recipe not in self._lessons:
                self._lessons[recipe] = epoch_lessons(self._rows_for(recipe, search), recipe, 0, 0)
            return self._lessons[recipe]

    def _rows_for(self, recipe: Recipe, search: Search | None) -> Sequence[Example]:
        if not recipe.passages:
            return self.rows
        if self._opened is None:
            parts = self.check.split
            made = with_passages([*parts.train, *parts.validation, *parts.test], search, 0)
            self._opened = made[: len(parts.train)]
        return self._opened

    def kinds(self, recipe: Recipe, search: Search | None = None) -> Counter[str]:
        """How many lessons of each kind (closed, golden, counterfactual, absent) an epoch has."""
        return Counter(lesson.kind for lesson in self.lessons(recipe, search))

    def preview(self, recipe: Recipe, place: int, search: Search | None = None) -> dict[str, Any]:
        """The lesson at `place` (counted round) with its tokens and what is a distractor; empty without lessons."""
        lessons = self.lessons(recipe, search)
        if not lessons:
            return {}
        lesson = lessons[place % len(lessons)]
        row = next((row for row in self._rows_for(recipe, search) if row.id == lesson.id), None)
        negatives = list(row.negatives) if row else []
        told = shown(lesson) | self.coder.preview(lesson)
        return told | {"place": place % len(lessons), "of": len(lessons), "negatives": negatives}

    def estimate(
        self,
        recipe: Recipe,
        preset: str,
        steps: int | None = None,
        advanced: Mapping[str, Any] | None = None,
        search: Search | None = None,
    ) -> tuple[Plan, Estimate]:
        """The plan that a run of these wishes would follow, and what it would cost. RunError for a bad wish."""
        lessons = self.lessons(recipe, search)
        plan = make_plan(len(lessons), self.weights.parameters, preset, steps, advanced or {})
        return plan, estimate(Path(self.settings.home), self.weights, plan, lessons)


def recipe_with(recipe: Recipe, **wishes: Any) -> Recipe:
    """The recipe with the wishes that are given (not None)."""
    return replace(recipe, **{name: value for name, value in wishes.items() if value is not None})
