"""The lint finds planted defects of every kind, each with its line, and lets sound rows alone."""

import json
from dataclasses import replace
from pathlib import Path

from ragft_core.examples import Example, lint, read, split
from ragft_core.examples.check import check
from ragft_core.examples.lint import KINDS
from ragft_core.examples.split import grouped

TOPICS = """alpine lakes|bronze bells|cedar boats|desert foxes|emerald mines|forest trails|glass towers|harbour cranes
|island ferries|jade statues|kelp gardens|lunar maps|marble halls|nectar birds|orchid houses|pepper farms|quartz clocks
|river locks|silver looms|tidal mills|umber pigments|velvet curtains|willow baskets|xenon lamps|yarrow teas|zinc roofs
|amber rings|barley fields|copper kettles|dune grasses|ebony pianos|falcon nests|granite walls|hazel hedges|ivory keys
|juniper woods|kestrel flights|linen shirts|maple syrups|nickel coins""".replace("\n", "").split("|")
PLACES = "Oslo Porto Lima Quito Turin Bergen Graz Malmo Cadiz Siena".split()


def sound(n: int) -> dict[str, str]:
    topic, place = TOPICS[n % len(TOPICS)], PLACES[n % len(PLACES)]
    return {
        "question": f"Who takes care of the {topic} and what is done for them near {place}?",
        "answer": f"The {topic} are kept by the people of {place}, who look after them with patience in all seasons.",
    }


def planted() -> tuple[list[str], list[tuple[int, str]]]:
    """200 lines with 30 defects of all kinds, and the (line, kind) of each."""
    lines = [json.dumps(sound(n)) for n in range(40)]
    lines += [json.dumps({k: f"{v} Item {n} of the list." for k, v in sound(n).items()}) for n in range(40, 200)]
    defects: dict[int, tuple[str, str]] = {}

    def plant(line: int, kind: str, row: object) -> None:
        defects[line] = (kind, row if isinstance(row, str) else json.dumps(row))

    at = [json.loads(line) for line in lines]
    plant(3, "broken", "{not json")
    plant(14, "broken", '["a list"]')
    plant(25, "broken", {"question": "Only a question here?"})
    plant(36, "broken", {"question": 5, "answer": {"a": 1}})
    plant(47, "broken", "[" * 5000)
    plant(52, "empty", {"question": "Who are you?", "answer": "   "})
    plant(53, "empty", {"question": "", "answer": "Nobody asked."})
    plant(61, "duplicate", at[0])
    plant(62, "duplicate", {"question": at[1]["question"].upper(), "answer": at[1]["answer"]})
    plant(63, "duplicate", {"question": "  " + at[3]["question"], "answer": at[3]["answer"] + "!"})
    plant(
        71, "near duplicate", {"question": at[4]["question"].replace("Who", "Please, who"), "answer": at[4]["answer"]}
    )
    plant(72, "near duplicate", {"question": at[5]["question"], "answer": at[5]["answer"].replace("all", "the")})
    plant(73, "near duplicate", {"question": at[6]["question"] + " Tell.", "answer": at[6]["answer"]})
    plant(81, "outlier", {"question": "Can you tell me a very long story?", "answer": "And then it went on. " * 90})
    plant(82, "outlier", {"question": "What is left of the old town wall by the gate?", "answer": "Sand."})
    plant(83, "outlier", {"question": "Why " * 300 + "so long?", "answer": "It is a habit of the people who ask us."})
    plant(91, "mixed", {"prompt": "What do the millers do?", "completion": "They grind the corn of the whole valley."})
    plant(
        92,
        "mixed",
        {"question": "Which data does the valley have?", "answer": '{"corn": "much", "people": "few enough"}'},
    )
    plant(
        93,
        "mixed",
        {"question": "How does the page begin, if at all?", "answer": "<div>The page begins with a mark.</div>"},
    )
    plant(
        101,
        "contradiction",
        {"question": at[7]["question"], "answer": "Nobody at all; they were sold years ago to a bank."},
    )
    plant(102, "contradiction", {"question": at[55]["question"], "answer": at[55]["answer"].replace("55", "56")})
    plant(
        111,
        "special token",
        {"question": "What does the mark <|end|> mean in this text?", "answer": "It ends a turn of the talk."},
    )
    plant(
        112,
        "special token",
        {"question": "Is [INST] a word of the language?", "answer": "It is the mark of a template."},
    )
    plant(
        121,
        "language",
        {
            "question": "Wo ist der Schlüssel und wann kann ich ihn holen?",
            "answer": "Der Schlüssel ist bei uns und Sie können ihn am Montag holen.",
        },
    )
    plant(122, "language", {"question": "Где находится ключ от дома?", "answer": "Ключ находится у соседа."})
    plant(
        131,
        "encoding",
        {"question": "What is served in the caf\ufffd of the town?", "answer": "Coffee and cakes of the season."},
    )
    plant(
        141,
        "too long",
        {
            "question": "What is in the list of words?",
            "answer": "one two three four five six seven eight nine ten " * 9,
        },
    )
    plant(
        151,
        "leakage",
        {"question": "Which bird nests under the roof of the chapel?", "answer": "A swift, which comes back in May."},
    )
    plant(
        152,
        "leakage",
        {"question": "Which bird is it that nests under the roof of the old chapel?", "answer": "It is the swift."},
    )
    plant(161, "broken", {"messages": [{"role": "robot", "content": "beep"}]})
    for line, (_, text) in defects.items():
        lines[line - 1] = text
    return lines, [(line, kind) for line, (kind, _) in sorted(defects.items())]


def test_thirty_planted_defects_are_all_found_with_their_lines(tmp_path: Path) -> None:
    lines, expected = planted()
    assert len(expected) == 30
    file, other = tmp_path / "rows.jsonl", tmp_path / "eval.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    questions = (
        "Which bird nests under the roof of the chapel?",
        "Which bird is it that nests under the roof of the old chapel now?",
    )
    other.write_text("\n".join(json.dumps({"question": q, "answers": ["swift"]}) for q in questions), "utf-8")
    others = {"eval.jsonl": read(other).rows}
    problems = lint(read(file), lambda row: len(row.answer.split()), 85, others)
    found = {(problem.line, problem.kind) for problem in problems}
    assert not set(expected) - found
    assert {line for line, _ in found} == {line for line, _ in expected}, "a sound row was blamed"
    assert {kind for _, kind in expected} == set(KINDS)
    blocking = {problem.kind for problem in problems if problem.blocking}
    assert blocking == {"broken", "empty", "contradiction", "too long", "leakage"}


def test_a_file_with_8_percent_of_rows_in_another_format_is_blocked(tmp_path: Path) -> None:
    rows = [sound(n) | {"id": str(n)} for n in range(40)] + [sound(n) for n in range(40, 92)]
    rows += [{"prompt": row["question"], "completion": row["answer"]} for row in map(sound, range(8))]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    mixed = [problem for problem in check(tmp_path / "t.jsonl").problems if problem.kind == "mixed"]
    assert [problem.line for problem in mixed] == list(range(93, 101)) and all(problem.blocking for problem in mixed)
    assert "8 of 100 rows (8%)" in mixed[0].message


def rows_of(groups: int, each: int) -> list[Example]:
    return [
        Example(
            f"{TOPICS[g % 40]} {PLACES[g % 10]} {g} {word}?",
            f"{TOPICS[g % 40]} answer {g}",
            id=f"{g}/{n}",
            group=f"g{g}",
        )
        for g in range(groups)
        for n, word in enumerate(
            ("who made them so early", "where can one see any", "why", "how do I reach these")[:each]
        )
    ]


def test_groups_are_never_on_both_sides_and_the_split_is_frozen_by_its_seed() -> None:
    rows = rows_of(100, 2)
    parts = split(rows, seed=3)
    sides = [{row.group for row in side} for side in (parts.train, parts.validation, parts.test)]
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    assert sum(parts.counts().values()) == 200 and 18 <= parts.counts()["validation"] <= 24
    assert split(rows, seed=3) == parts != split(rows, seed=4)


def test_facts_with_several_questions_are_held_out_by_question() -> None:
    parts = split(rows_of(40, 4), seed=1)
    assert parts.counts() == {"train": 144, "validation": 16, "test": 0}
    assert {row.group for row in parts.validation} <= {row.group for row in parts.train}
    assert len({row.group for row in parts.validation}) == 16
    assert not {row.question for row in parts.validation} & {row.question for row in parts.train}


def test_near_copies_are_one_group_and_few_rows_are_all_trained() -> None:
    a = Example("When does the big harbour library in Porto open its doors?", "It opens at nine in the morning.")
    b = Example("When does the big harbour library in Porto open its door?", "It opens at nine in the morning.")
    assert len(grouped([a, b, Example("Who?", "Me.")])) == 2
    assert split([a]).counts() == {"train": 1, "validation": 0, "test": 0}


def test_a_held_out_form_has_no_near_copy_in_training() -> None:
    rows = rows_of(30, 3)
    copies = [replace(row, id=row.id + "c", question=row.question.replace("?", " ?!").upper()) for row in rows[::3]]
    said = [row.question.replace("where can", "where then can") for row in rows[1::3]]
    nearly = [replace(row, id=row.id + "n", question=q) for row, q in zip(rows[1::3], said, strict=True)]
    parts = split([*rows, *copies, *nearly], by="forms", seed=2)
    assert len(parts.validation) >= 12 and {row.id[-2:] for row in parts.validation} == {"/2"}
