"""The embedded model's generators, formats and demo domain, without any weights."""

import json
import random
from pathlib import Path

import pytest

from embedded import domain, facts, free_text, ladder, natural, reading, relations, rows, salad, talk, tokenizer, typed
from embedded.answering import cites, exact_match, f1, has_value, refused
from embedded.mix import GROWING, Mix
from embedded.probes import handwritten_probes, relation_probes
from ragft_core import prompts
from ragft_core.types import Passage

ASSETS = Path(__file__).parents[1] / "assets"


@pytest.fixture(scope="module")
def small():
    """A small tokenizer of generated text, so that no shipped file is needed."""
    mix = Mix(None, None)
    r = random.Random(1)
    drawn = [mix.draw(r, GROWING) for _ in range(60)]
    return tokenizer.train(["\n".join(part for turn in d.turns for part in turn) for d in drawn], vocab=600)


def draws(seed: int, count: int = 15) -> list[rows.Dialogue]:
    mix, r = Mix(None, None), random.Random(seed)
    return [mix.draw(r, GROWING) for _ in range(count)]


def test_one_seed_gives_one_text_and_another_seed_another():
    assert draws(3) == draws(3)
    assert draws(3) != draws(4)


def test_relations_are_read_whole_and_some_are_held_out():
    rows_ = relations.relations()
    assert len(rows_) > 90
    assert sum(x.held_out for x in rows_) >= 6
    assert all(
        any("{e}" in s and "{v}" in s for s in x.statements) and all("{e}" in q for q in x.questions) for x in rows_
    )


@pytest.mark.parametrize("make", [relations.reading, free_text.reading, salad.reading, typed.reading])
def test_every_answer_stands_in_its_passage(make):
    r = random.Random(5)
    for _ in range(20):
        exercise = make(r, r.choice([1, 2, 3, 5]))
        reading.glue(r, exercise, 1.0)
        for item in exercise.items:
            if item.passage is not None:
                assert item.sentence in exercise.passages[item.passage].sentences


def test_a_dialogue_quotes_and_cites_the_passage_it_shows():
    r = random.Random(6)
    for _ in range(20):
        drawn = reading.dialogue(r, relations.reading(r, 3))
        lines = drawn.turns[0][0].split("\n")[1:4]
        for _, answer in drawn.turns:
            if answer != reading.REFUSAL:
                quote, _, rest = answer.rpartition(" [")
                assert quote in lines[int(rest[0]) - 1]


@pytest.mark.parametrize("make", [relations.reading, free_text.reading, typed.reading, *ladder.RUNGS.values()])
def test_a_short_answer_is_only_the_words_asked_for(make):
    r = random.Random(6)
    asked = 0
    for _ in range(20):
        exercise = make(r, 3)
        values = {i.quote(True).rstrip(".!?;:") for i in exercise.items if i.passage is not None}
        turns = reading.dialogue(r, exercise, short=True).turns
        lines = turns[0][0].split("\n")[1:]
        for _, answer in turns:
            quote, _, rest = answer.rpartition(" [")
            if answer != reading.REFUSAL:
                assert quote in values
                assert quote in lines[int(rest[0]) - 1]
                asked += 1
    assert asked > 40


def test_a_mix_of_short_answers_is_shorter():
    def tokens(short: bool) -> int:
        mix, r = Mix(None, None, short), random.Random(3)
        drawn = [mix.draw(r, GROWING) for _ in range(60)]
        return sum(len(answer) for d in drawn if "Context:" in d.turns[0][0] for _, answer in d.turns)

    assert tokens(True) < 0.85 * tokens(False)


def test_a_sentence_is_given_where_the_prompt_demands_it():
    mix, r, demanded, plain = Mix(None, None, True, 0.0), random.Random(3), 0, 0
    for _ in range(150):
        drawn = mix.draw(r, GROWING)
        if "Context:" not in drawn.turns[0][0]:
            continue
        asked = [demand in drawn.system or demand in user for demand in reading.WHOLE for user, _ in drawn.turns]
        demanded, plain = demanded + any(asked), plain + (not any(asked))
        if any(asked):
            assert sum(asked) == len(drawn.turns), "once for each answer"
    assert 0.4 * plain < demanded < 1.5 * plain

    exercise = relations.reading(r, 3)
    sentences = {i.sentence for i in exercise.items}
    for _, answer in reading.dialogue(r, exercise, demanded=True).turns:
        assert answer == reading.REFUSAL or answer.rpartition(" [")[0] + "." in sentences


def test_training_forms_never_use_the_held_out_one():
    r = random.Random(7)
    for relation in relations.relations():
        if len(relation.questions) >= 4:
            assert relation.questions[-1] not in {relations.form(r, relation.questions, False) for _ in range(20)}


def test_passages_and_system_prompts_are_the_applications_own():
    passage = reading.Passage("Flu shot", ["The flu shot costs 5 euros."])
    user = reading.context_text([passage], titled=True) + "Question: How much is it?"
    ours = Passage(id="a", text="The flu shot costs 5 euros.", source="flu-shot.md", title="Flu shot", score=1.0)
    system, asked = prompts.messages("How much is it?", [ours])
    assert (system["content"], asked["content"]) == (reading.WITH_PASSAGES, user)
    assert prompts.messages("Why?")[0]["content"] == reading.WITHOUT_PASSAGES


def render(messages: list[dict[str, str]]) -> str:
    import jinja2

    return jinja2.Template(tokenizer.CHAT_TEMPLATE).render(
        bos_token="<|bos|>", messages=messages, add_generation_prompt=False
    )


def test_training_rows_have_the_tokens_of_the_chat_template(small):
    r = random.Random(8)
    for drawn in draws(9):
        messages = [{"role": "system", "content": drawn.system}] if drawn.system else []
        for user, answer in drawn.turns:
            messages += [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
        ids, weights = rows.encode(small, drawn, r, rows.Weights())
        assert ids == tokenizer.text_ids(small, render(messages))
        assert len(ids) == len(weights)
        assert weights[0] == 0.0
        assert weights[-1] > 0


def test_an_answers_first_word_has_the_token_it_has_in_a_passage(small):
    answer = tokenizer.turn_ids(small, tokenizer.ASSISTANT, "The price is 5.")
    assert answer[1:-1] == tokenizer.text_ids(small, " The price is 5.")


def test_only_answers_and_a_little_context_are_trained(small):
    drawn = rows.Dialogue("Be brief.", [("Context:\n[1] It is red.\n\nQuestion: What?", "It is red [1].")])
    ids, weights = rows.encode(small, drawn, random.Random(0), rows.Weights(share=0.0))
    start = ids.index(tokenizer.ASSISTANT) + 1
    assert all(w > 0 for w in weights[start:])
    assert max(weights[:start]) == 0


def test_the_first_word_and_the_passages_number_count_most(small):
    drawn = rows.Dialogue("", [("Question: What?", "It is very red [7].")])
    ids, weights = rows.encode(small, drawn, random.Random(0), rows.Weights())
    number = ids.index(tokenizer.text_ids(small, "7")[0])
    assert weights[ids.index(tokenizer.ASSISTANT) + 1] == weights[number] == max(weights)


def test_where_the_text_goes_on_in_several_ways_counts_as_much(small):
    context = "Context:\n[1] Ann is at home. Ann can sing. Bo is old.\n\nQuestion: Sing?"
    for sentence, counted in (("Ann can sing", True), ("Bo is old", False)):
        ids, weights = rows.encode(small, rows.Dialogue("", [(context, sentence)]), random.Random(0), rows.Weights())
        start = ids.index(tokenizer.ASSISTANT) + 1
        answer = tokenizer.text_ids(small, f" {sentence}")
        fork = tokenizer.text_ids(small, f" {sentence.split()[0]}")
        assert ids[start : start + len(answer)] == answer and len(fork) > 1
        assert (weights[start + len(fork)] == rows.Weights().cited) is counted


def test_turns_that_do_not_fit_are_left_out_whole(small):
    turns = [("Question: What is it?", "It is red [1]."), ("Question: Who was it?", "It was Ann [1].")]
    whole, _ = rows.encode(small, rows.Dialogue("", turns), random.Random(0), rows.Weights())
    first, weights = rows.encode(small, rows.Dialogue("", turns[:1]), random.Random(0), rows.Weights())
    cut, _ = rows.encode(small, rows.Dialogue("", turns), random.Random(0), rows.Weights(), longest=len(whole) - 1)
    assert cut == first
    assert len(weights) == len(first)


def test_typed_facts_are_asked_in_words_that_their_statement_has():
    r = random.Random(4)
    for fact in (typed.some_fact(r) for _ in range(200)):
        assert fact.value in fact.fill(fact.statement, "Aldo") or fact.value.capitalize()[:3] in fact.fill(
            fact.statement, "Aldo"
        )
        assert "{" not in fact.fill(fact.statement, "Aldo")
        for question in fact.questions():
            assert "{" not in fact.fill(question, "Aldo")


def test_no_generator_trains_a_form_that_relations_hold_out():
    held = {x.statements[-1] for x in relations.relations() if len(x.statements) >= 4}
    held |= {s for x in relations.relations() if x.held_out for s in x.statements}
    for kind in typed.kinds():
        assert not held & set(kind.statements)


def test_batches_hold_rows_of_one_length_and_right_targets(small):
    mix = Mix(None, None)
    feed = rows.batches(small, lambda r: mix.draw(r, GROWING), random.Random(1), tokens=600, longest=256)
    for _ in range(5):
        batch = next(feed)
        flat = batch.ids.reshape(-1)
        assert (flat[batch.where + 1] == batch.targets).all()
        assert batch.ids.shape[1] <= 256


def test_a_style_that_the_prompt_asks_for_is_in_every_answer():
    r = random.Random(2)
    styled = talk.in_style(r, talk.small_talk(r))
    opening = styled.system.split('"')[1]
    assert all(answer.startswith(opening) for _, answer in styled.turns)


def test_natural_sentences_are_split_and_asked_about():
    text = "Dr. Smith was born in 1950. He moved to Cairo with his wife Anna. They had 3.5 acres of land there."
    parts = natural.sentences(text)
    assert len(parts) == 3
    made = [natural.cloze(random.Random(n), parts[0]) for n in range(10)]
    assert any(m and m[0].endswith("?") for m in made)


def test_a_missing_data_folder_only_makes_the_library_empty(tmp_path):
    assert not natural.load(tmp_path)


def test_the_demo_has_the_size_it_should_and_is_what_the_command_writes(tmp_path):
    counts = domain.write(tmp_path)
    assert 60 <= counts["documents"] <= 100
    assert counts["facts"] >= 270
    for path in sorted(p for p in tmp_path.rglob("*") if p.is_file()):
        assert (ASSETS / "demo" / path.relative_to(tmp_path)).read_text("utf-8") == path.read_text("utf-8"), path.name


def lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (ASSETS / "demo" / name).read_text("utf-8").splitlines()]


def test_no_changed_fact_leaks_into_training_and_no_old_one_into_documents():
    training = "\n".join(row["answer"] + str(row["context"]) for row in lines("train.jsonl"))
    for fact in (f for f in facts.facts() if f.changed):
        assert fact.sentence(fact.old) in training
        assert fact.sentence(fact.new) not in training
        text = (ASSETS / "demo" / "documents" / f"{facts.slug(fact.page)}.md").read_text("utf-8")
        assert fact.sentence(fact.new) in text
        assert fact.sentence(fact.old) not in text


def test_training_and_evaluation_share_no_question():
    asked = {row["question"] for row in lines("train.jsonl")}
    evaluation = lines("eval.jsonl")
    assert not {row["question"] for row in evaluation} & asked
    assert {row["category"] for row in evaluation} == {
        "paraphrase",
        "changed",
        "never_trained",
        "unanswerable",
        "style",
    }


def test_the_files_have_the_documented_fields():
    for row in lines("train.jsonl"):
        more = set(row) - {"id", "group", "question", "answer", "context"}
        assert more in (set(), {"value", "others"}, {"rehearsal"})
        if "value" in more:
            assert row["value"] in row["answer"] and row["value"] in row["context"][0]
            assert len(row["others"]) >= 2 and row["value"] not in row["others"]
    for row in lines("eval.jsonl"):
        assert {"id", "question", "answers", "unanswerable", "sources", "category"} <= set(row)
        assert bool(row["answers"]) != row["unanswerable"]
        assert all((ASSETS / "demo" / "documents" / s).exists() for s in row["sources"])
    examples = json.loads((ASSETS / "demo" / "examples.json").read_text("utf-8"))
    assert 6 <= len(examples) <= 8
    assert all(set(e) == {"label", "question"} for e in examples)


def test_the_training_file_holds_no_fact_that_is_said_to_be_never_trained():
    fresh = [f for f in facts.facts() if not f.trained]
    rows_, groups = lines("train.jsonl"), {f.id for f in fresh}
    assert fresh and not groups & {row["group"] for row in rows_}
    assert not any(f.sentence(f.old)[:-1] in row["answer"] for f in fresh for row in rows_)


def test_probes_are_fixed_and_hand_written_ones_answerable():
    assert relation_probes(5, 3, False) == relation_probes(5, 3, False)
    probes = handwritten_probes(3)
    assert len(probes) == 120
    for probe in probes:
        assert has_value(probe.passages[probe.number - 1].text(True), probe.gold)


def test_answers_are_judged_by_whole_words():
    assert has_value("It costs 25 euros [1].", ["25 euros"])
    assert not has_value("It costs 125 euros.", ["25 euros"])
    assert cites("Yes [2].", 2)
    assert refused(reading.REFUSAL)
    assert exact_match("The cat [1].", "cat")
    assert f1("a red cat", "red cat") == 1.0


def test_shipped_files_are_small_and_name_no_machine():
    files = [p for folder in ("model", "adapters") for p in (ASSETS / folder).rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) <= 40 * 2**20
    for path in files:
        if path.suffix in (".json", ".md"):
            assert "/" + "work/" not in path.read_text("utf-8")


def test_the_demos_adapters_are_made_by_a_users_command() -> None:
    from embedded.adapters import command
    from ragft_core.cli import parser

    words = command("raft", "small", Path("home"), processes=2, seed=1)[3:]
    asked = parser().parse_args(words)
    assert (asked.recipe, asked.preset, asked.processes, asked.set) == ("raft", "small", 2, ["seed=1"])
