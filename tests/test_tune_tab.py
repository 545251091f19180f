"""The Fine-tune tab's handlers: from a file to a run and its adapter, errors as sentences, shut to visitors."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from ragft_core import DatasetError, RunError, Settings, Studio, cli
from ragft_core.examples import RECIPES
from ragft_core.examples.propose import Proposal
from ragft_core.testing import EchoEngine, OnePageIndex
from ragft_core.training import runs
from ragft_core.training.plan import read_wishes
from ragft_core.types import Status
from ragft_ui import header
from ragft_ui.run_settings import RunSettings
from ragft_ui.tune_tab import TuneTab
from ragft_ui.tune_wishes import NAMES, as_command, wishes

from .test_training_draft import dataset, write_run  # noqa: F401 - a fixture
from .test_training_runs import FAKE, kill, starter, wait

USUAL = dict.fromkeys(NAMES) | {"recipe": "sft", "method": "lora", "preset": "smoke", "golden": 0.8, "k": 3.0}


@pytest.fixture
def build(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., TuneTab]]:
    """A Fine-tune tab whose runs are the fake ones of test_training_runs; all processes are ended afterwards."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(home / "downloads"))  # as app.py sets it
    real = starter.launch
    command = [starter.sys.executable, "-c", FAKE]
    monkeypatch.setattr(starter, "launch", lambda folder: real(folder, [*command, str(folder)]))
    studios: list[Studio] = []

    def made(**settings: Any) -> TuneTab:
        studio = Studio(Settings.load(home=home, demo=False, **settings), engine=EchoEngine(), retrieval=OnePageIndex())
        studios.append(studio)
        with gr.Blocks():
            return TuneTab(studio)

    yield made
    for run in runs(home):
        starter.end_processes(starter.read_json(Path(run.folder) / "proc.json"))
    for studio in studios:
        studio.close()


def upload(tab: TuneTab, file: Path) -> tuple[str, dict[Any, Any]]:
    """Upload a copy of a file as the page does; the chosen name and all that was shown in the end."""
    there = tab.studio.home.folder / "downloads" / file.name
    there.parent.mkdir(exist_ok=True)
    there.write_bytes(file.read_bytes())
    shown: dict[Any, Any] = {}
    for update in tab.examples.take(str(there), []):
        shown |= update
    picked = shown.get(tab.examples.file)
    return (picked.value if picked else ""), shown


def inputs(name: str, columns: tuple[str, ...] = (), run: str = "", **given: Any) -> list[Any]:
    """The form's inputs in their order."""
    columns = (*columns, "", "", "", "")[:4]
    return [name, *columns, [], run, *(USUAL | given).values()]


def begin(tab: TuneTab, *values: Any) -> dict[Any, Any]:
    shown: dict[Any, Any] = {}
    for update in tab.form.begin(*values):
        shown |= update
    return shown


def event(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


# ---------------------------------------------------------------- examples


def test_an_upload_is_kept_checked_and_split(build: Callable[..., TuneTab], dataset: Path) -> None:  # noqa: F811
    tab = build()
    name, shown = upload(tab, dataset)
    assert name == "rooms.jsonl" and (tab.studio.home.folder / "datasets" / name).is_file()
    assert not list((tab.studio.home.folder / "downloads").iterdir())
    assert "40 rows. Nothing is in the way" in shown[tab.examples.report] and "train" in shown[tab.examples.report]
    assert shown[tab.examples.clean].visible is False
    listed = tab.examples.list_files("rooms.jsonl")[0]
    assert listed.value == "rooms.jsonl" and ("The demo's training file", "demo/train.jsonl") in listed.choices


def test_blocking_rows_are_named_and_the_clean_copy_says_what_it_dropped(
    build: Callable[..., TuneTab],
    dataset: Path,  # noqa: F811
) -> None:
    tab = build()
    dataset.write_text(dataset.read_text("utf-8") + '\n{broken\n{"question": "Empty?", "answer": ""}', "utf-8")
    name, shown = upload(tab, dataset)
    assert "2 blocking problems" in shown[tab.examples.report] and "Line 41" in shown[tab.examples.report]
    assert shown[tab.examples.clean].visible
    refused = begin(tab, *inputs(name))
    assert "must not be trained on as it is" in refused[tab.form.said] and runs(tab.studio.home.folder) == []
    for update in tab.examples.take_clean(name, *[None] * 4, []):
        shown |= update
    assert shown[tab.examples.file].value == "rooms-clean.jsonl"
    assert "<b>1 broken</b>: line 41" in shown[tab.examples.problem]
    assert "Nothing is in the way" in shown[tab.examples.report]
    assert "has started" in begin(tab, *inputs("rooms-clean.jsonl"))[tab.form.said]


def test_a_table_s_columns_are_guessed_or_chosen(build: Callable[..., TuneTab], tmp_path: Path) -> None:
    tab = build()
    rows = "\n".join(f"x{n},What is {n}?,It is {n * 7}." for n in range(12))
    (tmp_path / "known.csv").write_text(f"id,question,answer\n{rows}")
    (tmp_path / "other.csv").write_text(f"c1,c2,c3\n{rows}")
    _, shown = upload(tab, tmp_path / "known.csv")
    assert [shown[column].value for column in tab.examples.columns] == ["question", "answer", "", ""]
    assert "12 rows" in shown[tab.examples.report] and shown[tab.examples.mapping].visible
    name, shown = upload(tab, tmp_path / "other.csv")
    assert "cannot be told which column" in shown[tab.examples.problem] and shown[tab.examples.mapping].visible
    assert "<th>c2</th>" in shown[tab.examples.table]
    for update in tab.examples.look_again(name, "c2", "c3", "", "", []):
        shown |= update
    assert "12 rows. Nothing" in shown[tab.examples.report]
    started = begin(tab, *inputs(name, ("c2", "c3")))
    run = runs(tab.studio.home.folder)[0]
    assert started[tab.form.run] == run.id == "other-sft"
    first = json.loads((Path(run.folder) / "data" / "train.jsonl").read_text("utf-8").splitlines()[0])
    assert first["question"].startswith("What is")


def test_rows_shared_with_an_evaluation_set_are_leaks(build: Callable[..., TuneTab], dataset: Path) -> None:  # noqa: F811
    tab = build()
    name, _ = upload(tab, dataset)
    other = tab.studio.home.folder / "datasets" / "eval.jsonl"
    row = json.loads(dataset.read_text("utf-8").splitlines()[6])
    other.write_text(json.dumps({"question": row["question"], "answers": ["x"]}), "utf-8")
    shown: dict[Any, Any] = {}
    for update in tab.examples.look_again(name, "", "", "", "", ["eval.jsonl"]):
        shown |= update
    assert "leakage" in shown[tab.examples.report] and "eval.jsonl" in shown[tab.examples.report]
    list(tab.examples.choose("eval.jsonl", []))
    report = list(tab.examples.choose("eval.jsonl", []))[-1][tab.examples.report]
    assert "is an evaluation set" in report


@pytest.mark.parametrize("name", ["../ragft.sqlite", "/etc/passwd", "gone.jsonl", "", None, "demo/../train.jsonl"])
def test_a_name_never_becomes_a_path(build: Callable[..., TuneTab], name: str | None) -> None:
    tab = build()
    with pytest.raises(DatasetError):
        tab.form.drafts.path(name)
    shown = list(tab.examples.choose(name, []))[-1]
    assert "class='problem'" in shown[tab.examples.problem]


def test_a_file_of_another_kind_is_refused(build: Callable[..., TuneTab], tmp_path: Path) -> None:
    tab = build()
    (tmp_path / "x.exe").write_bytes(b"MZ")
    assert "no known kind" in upload(tab, tmp_path / "x.exe")[1][tab.examples.problem]
    assert "Choose a file first" in next(iter(tab.examples.take(None, [])))[tab.examples.problem]


# ---------------------------------------------------------------- wishes, cost, preview


def test_only_wishes_that_differ_are_handed_on() -> None:
    usual = wishes(list(USUAL.values()))
    assert usual.recipe == RECIPES["sft"] and usual.advanced == {} and usual.steps is None
    assert wishes(list((USUAL | {"steps": 0, "learning_rate": 0, "evaluate_every": 0}).values())) == usual
    given = USUAL | {"recipe": "raft", "rank": 8.0, "steps": 30.0, "learning_rate": 4e-3, "k": 5.0, "patience": 4}
    chosen = wishes(list(given.values()))
    assert chosen.advanced == {"rank": 8, "learning_rate": 4e-3} and chosen.steps == 30 and chosen.recipe.k == 5
    for wrong in ({"recipe": "magic"}, {"recipe": "raft", "golden": 2}, {"recipe": "raft", "k": "many"}):
        with pytest.raises(RunError):
            wishes(list((USUAL | wrong).values()))
    with pytest.raises(RunError, match="answer or to abstain"):
        wishes(list((USUAL | {"recipe": "mix", "absent": "sing"}).values()))


def test_the_command_line_is_shown_and_what_it_cannot_say() -> None:
    plain = wishes(list((USUAL | {"steps": 30}).values()))
    words, note = as_command(Path("/h"), Path("/h/my rows.jsonl"), plain, "mine", None, [])
    assert (
        words == "ragft train '/h/my rows.jsonl' --recipe sft --preset smoke --steps 30 --name mine --home /h --follow"
    )
    assert note == ""
    odd = wishes(list((USUAL | {"recipe": "raft", "rank": 8, "word_dropout": 0.0, "golden": 0.5}).values()))
    words, note = as_command(Path("/h"), Path("/r"), odd, "", {"question": "my q"}, [Path("/e")])
    read = cli.parser().parse_args(shlex.split(words)[1:])
    assert read.columns == ["question=my q"] and read_wishes(read.set) == odd.advanced, "the line is one that works"
    assert "--columns 'question=my q' --against /e" in words and "Without RAFT's shares" in note


def test_cost_and_preview_follow_the_form(build: Callable[..., TuneTab], dataset: Path) -> None:  # noqa: F811
    tab = build()
    assert "once examples are chosen" in tab.form.cost(*inputs(""))[0]
    name, _ = upload(tab, dataset)
    cost, command = tab.form.cost(*inputs(name, run="mine"))
    assert "20 steps" in cost and "--name mine" in command
    assert "rank must be" in tab.form.cost(*inputs(name, rank=0))[0]
    shown, place = tab.form.first(*inputs(name))
    assert place == 0 and "Closed book" in shown and "class='loss'" in shown
    assert tab.form.previous(0, *inputs(name))[1] > 20 and tab.form.next(0, *inputs(name))[1] == 1
    opened = [tab.form.next(n, *inputs(name, recipe="raft"))[0] for n in range(12)]
    assert any("golden</span>" in html for html in opened) and any("distractor</span>" in html for html in opened)
    assert "Choose examples first" in tab.form.first(*inputs(""))[0]


# ---------------------------------------------------------------- a run


def test_a_run_is_started_watched_stopped_and_resumed(build: Callable[..., TuneTab], dataset: Path) -> None:  # noqa: F811
    tab = build()
    settings = tab.studio.settings
    name, _ = upload(tab, dataset)
    started = begin(tab, *inputs(name, run="mine", steps=100_000))
    assert started[tab.form.run] == "mine" and started[tab.form.start].interactive
    wait(settings, "mine", "running")
    view = tab.watch.opened("mine", {})
    assert "data-state='running'" in view[tab.watch.head] and view[tab.watch.stop].visible
    assert "ragft_core.training.worker" in view[tab.watch.command] and view[tab.watch.timer].active
    again = tab.watch.look("mine", view[tab.watch.seen])
    assert tab.watch.command not in again and tab.watch.report not in again, "what did not change is not sent again"
    assert tab.watch.look("", {})[tab.watch.run] == "mine", "a page that comes later finds the run that goes on"
    assert "Choose another name" in begin(tab, *inputs(name, run="mine"))[tab.form.said]
    tab.watch.stop_run("mine", {})
    wait(settings, "mine", "stopped")
    view = tab.watch.look("mine", {})
    assert view[tab.watch.resume].visible and not view[tab.watch.stop].visible and not view[tab.watch.timer].active
    assert "data-state='" in tab.watch.resume_run("mine", {})[tab.watch.head]
    kill(wait(settings, "mine", "running"))
    wait(settings, "mine", "failed")
    assert "Resume" in tab.watch.look("mine", {})[tab.watch.head]
    assert ">mine<" in tab.runs.rows("mine") and "Failed" in tab.runs.rows("mine")


def test_a_run_that_is_done_shows_its_verdict_and_its_adapter(build: Callable[..., TuneTab], home: Path) -> None:
    tab = build()
    (home / "runs").mkdir()
    folder = write_run(home / "runs" / "old", 8, "red")
    (folder / "adapter").mkdir()
    view = tab.watch.look("", {})
    assert view[tab.watch.run] == "old" and "It did not work" in view[tab.watch.report]
    assert view[tab.watch.use].visible and "Bad" in tab.runs.rows("")
    write_run(home / "runs" / "new", 16, "green")
    assert "<td>8</td><td>16</td>" in tab.runs.diff(["old", "new"])
    assert "Mark two runs" in tab.runs.diff(["old"]) and "no training run" in tab.runs.diff(["old", "../old"])
    assert tab.runs.open("", event(act="show", name="new")) == ["new", ""]
    assert "no training run" in tab.runs.open("", event(act="show", name="../../etc"))[1]


def test_without_a_run_there_is_a_next_step(build: Callable[..., TuneTab]) -> None:
    tab = build()
    assert "No run yet" in tab.watch.look("", {})[tab.watch.head]
    assert "no training run" in tab.watch.look("gone", {})[tab.watch.problem]
    for verb in (tab.watch.stop_run, tab.watch.resume_run):
        assert "There is no run" in verb("", {})[tab.watch.problem]


def test_an_adapter_goes_to_compare_in_one_click(build: Callable[..., TuneTab]) -> None:
    tab = build()
    assert "clinic-raft" in tab.list_all("")[2]
    assert tab.adapters.act(event(act="use", name="clinic-sft"))[tab.adapters.chosen] == "clinic-sft"
    assert tab.use("clinic-sft") == ["clinic-sft", ""]
    assert "There is no adapter" in tab.use("nope")[1] and tab.use("../x")[0] == ""
    assert "LoRA" in tab.adapters.act(event(act="card", name="clinic-sft"))[tab.adapters.said]
    assert "unknown" in tab.adapters.act(event(act="sing", name="x"))[tab.adapters.said]
    with gr.Blocks():
        settings = RunSettings(tab.studio)
    tabs, adapter = settings.using("clinic-sft")
    assert tabs.selected == "compare" and adapter.value == "clinic-sft"
    assert all(update == gr.skip() for update in (*settings.using(""), *settings.using("nope")))


def test_the_header_names_the_adapter_that_this_visitor_chose() -> None:
    with gr.Blocks() as page:
        line, field = header.Header(SimpleNamespace(status=lambda: Status("ready", adapter="usual"))), gr.Dropdown()
        line.wire_page(page, field)
    assert "Adapter <b>usual</b>" in line.view()[1] and "Adapter <b>usual</b>" in line.view("")[1]
    assert "Adapter <b>mine&lt;x&gt;</b>" in line.view("mine<x>")[1] and len(line.view("y" * 9999)[1]) < 1000
    looks = [fn for fn in page.fns.values() if fn.fn == line.view]
    assert looks and all([block._id for block in fn.inputs] == [field._id] for fn in looks)


def test_an_adapter_is_exported_imported_renamed_deleted_and_brought_back(build: Callable[..., TuneTab]) -> None:
    tab = build()
    shelf = tab.adapters
    zipped = Path(shelf.act(event(act="export", name="clinic-sft"))[shelf.file].value["path"])
    assert zipped.name == "clinic-sft.zip" and zipped.is_relative_to(tab.studio.home.downloads)
    came = shelf.import_file(str(zipped))
    assert "was imported and fits" in came[shelf.said] and not zipped.exists()
    assert "data-act='delete' data-name='clinic-sft'" in came[shelf.table]
    assert shelf.act(event(act="rename", name="clinic-sft"))[shelf.renaming].visible
    assert "is now mine" in shelf.rename_it("clinic-sft", " mine ")[shelf.said]
    assert "a name has letters" in shelf.rename_it("mine", "../x")[shelf.said]
    gone = shelf.act(event(act="delete", name="mine"))
    assert gone[shelf.undo].visible and "data-name='mine'" not in gone[shelf.table]
    assert "mine is back" in shelf.bring_back()[shelf.said] and "data-name='mine'" in shelf.rows()
    assert not shelf.can_undo().visible and "no deleted adapter" in shelf.bring_back()[shelf.said]
    assert "that came with the program stay" in shelf.act(event(act="delete", name="clinic-raft"))[shelf.said]
    assert "Choose a zip" in shelf.import_file(None)[shelf.said]


def test_an_adapter_is_merged_into_a_model_of_its_own_folder(build: Callable[..., TuneTab], monkeypatch: Any) -> None:
    import ragft_core.merge

    shelf, made = build().adapters, []

    def merge(settings: Settings, info: Any, target: Path) -> ragft_core.merge.Merged:
        made.append((info.name, target.relative_to(settings.home).as_posix()))
        target.mkdir(parents=True)
        return ragft_core.merge.Merged(target, "ab", 5, 2e-6, 3e-2)

    monkeypatch.setattr(ragft_core.merge, "merge_adapter", merge)
    asked = shelf.act(event(act="merge", name="clinic-sft"))
    assert asked[shelf.merging] == "clinic-sft" and "Merging clinic-sft" in asked[shelf.said] and not made
    for _ in range(2):
        told = shelf.merge("clinic-sft")
    assert made == [("clinic-sft", "merged/clinic-sft"), ("clinic-sft", "merged/clinic-sft-2")]
    assert "2.0e-06" in told[shelf.said] and "merged/clinic-sft-2" in told[shelf.said] and told[shelf.merging] == ""
    assert shelf.merge("") == {shelf.merging: ""} and "cannot be an adapter" in shelf.merge("../x")[shelf.said]
    assert "no adapter" in shelf.act(event(act="merge", name="nope"))[shelf.said]
    monkeypatch.undo()
    monkeypatch.setattr(ragft_core.merge, "free_memory", lambda: 1)
    assert "MB of memory and 0 MB are free" in shelf.merge("clinic-sft")[shelf.said]


def test_a_duel_a_sweep_and_a_curve_start_their_runs_in_turn(build: Callable[..., TuneTab], dataset: Path) -> None:  # noqa: F811
    tab = build()
    name, _ = upload(tab, dataset)
    for verb, count in ((tab.groups.duel, 2), (tab.groups.curve, 3)):
        shown: dict[Any, Any] = {}
        for update in verb(*inputs(name, steps=100_000)):
            shown |= update
        assert f"{count} runs have started" in shown[tab.groups.said], shown
    listed = tab.runs.groups()
    assert listed.visible and [value for _, value in listed.choices] == ["rooms-curve", "rooms-duel"]
    table = tab.runs.group_table("rooms-duel")
    assert "<th scope='row'>sft" in table and "<th scope='row'>raft" in table and tab.runs.group_table("nope") == ""
    started = list(tab.groups.sweep(*inputs(name, steps=100_000)))[-1]
    assert "<b>rooms-sweep</b>: 6 runs have started" in started[tab.groups.said]
    assert "dropout must be" in list(tab.groups.sweep(*inputs(name, dropout=2)))[-1][tab.groups.said]


def test_proposals_become_examples_only_when_taken(build: Callable[..., TuneTab], monkeypatch: Any) -> None:
    tab = build()
    form = tab.propose
    found = [
        Proposal(f"p{n}", f"What is {n}?", f"It is {n}.", "a.md", "x", doubts=("Odd.",) * (n == 2)) for n in range(4)
    ]
    monkeypatch.setattr(tab.studio, "propose", lambda count: (one for one in found), raising=False)
    shown: dict[Any, Any] = {}
    for update in form.propose(4.0):
        shown |= update
    assert shown[form.list].count("<li data-id") == 4 and shown[form.list].count(" checked") == 3
    assert shown[form.kept] == tuple(found) and shown[form.save].visible
    said = [
        {"id": f"p{n}", "take": n < 2, "question": f"What is {n}?", "answer": "Mine." if n else "It is 0."}
        for n in range(4)
    ]
    kept = form.keep(found, said)
    rows = [json.loads(line) for line in tab.form.drafts.path(kept[form.saved]).read_text("utf-8").splitlines()]
    assert [row["answer"] for row in rows] == ["It is 0.", "Mine."] and rows[0]["context"] == ["x"]
    picked = list(tab.examples.choose_made(kept[form.saved], []))
    assert "2 rows" in picked[-1][tab.examples.report] and list(tab.examples.choose_made("", []))
    for nothing in ([], None, "x", [{"id": "p0", "take": False}], [{"id": "zz", "take": True}]):
        assert "Mark at least one" in form.keep(found, nothing)[form.said]
    empty = [{"id": "p0", "take": True, "question": " ", "answer": "x"}]
    assert "needs a question and an answer" in form.keep(found, empty)[form.said]


def test_a_link_opens_the_tab_with_its_run(build: Callable[..., TuneTab]) -> None:
    tab = build()
    tab.tabs = "tabs"  # type: ignore[assignment]
    assert tab.arrive(SimpleNamespace(query_params={"training": "mine"}))[tab.watch.run] == "mine"  # type: ignore[arg-type]
    assert tab.arrive(SimpleNamespace(query_params={})) == {tab.watch.run: ""}  # type: ignore[arg-type]


def test_the_page_s_model_makes_room_and_comes_back(build: Callable[..., TuneTab], monkeypatch: Any) -> None:
    studio = build().studio
    studio._loaded.say("ready", "Ready")
    engine, ended = studio.engine, []
    assert not studio.make_room(1, lambda: None) and studio.engine is engine

    def load(*_: Any) -> EchoEngine:
        ended.append("loaded")
        return EchoEngine()

    import ragft_core.engine

    monkeypatch.setattr(ragft_core.engine.Engine, "load", load)
    assert studio.make_room(10**18, lambda: ended.append("run ended"))
    end = starter.time.monotonic() + 10
    while len(ended) < 2 and starter.time.monotonic() < end:
        starter.time.sleep(0.01)
    assert ended == ["run ended", "loaded"] and studio.engine is not engine and studio.status().state == "ready"


def test_a_start_puts_the_page_s_model_away_only_where_memory_would_not_do(
    build: Callable[..., TuneTab],
    dataset: Path,  # noqa: F811
    monkeypatch: Any,
) -> None:
    import ragft_core.loaded

    tab = build()
    name, _ = upload(tab, dataset)
    engine = tab.studio.engine
    monkeypatch.setattr(ragft_core.loaded, "free_memory", lambda: 10**18)
    assert "put away" not in begin(tab, *inputs(name, steps=100_000))[tab.form.said] and tab.studio.engine is engine
    monkeypatch.setattr(ragft_core.loaded, "free_memory", lambda: 0)
    assert "model was put away to make room" in begin(tab, *inputs(name, steps=100_000))[tab.form.said]
    assert tab.studio._loaded._engine is None, "until the run ends, or somebody asks"
