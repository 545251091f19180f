"""The commands around training (check, train, runs, stop, resume, adapters): arguments become calls."""

import argparse
from collections.abc import Callable
from typing import Any

from .settings import Settings
from .types import Passage

Result = tuple[Any, list[str]]
Command = Callable[..., argparse.ArgumentParser]
Opened = Callable[[Settings], Any]  # a Studio, or the running app's, as a context manager
Shown = Callable[[argparse.Namespace], Callable[..., None]]


def add_training(command: Command, opened: Opened, shown: Shown) -> None:
    """Add the commands; `opened` gives a Studio for a home, `shown` a function that shows progress."""
    from .training import commands

    def sub(name: str, run: Callable[..., Result], help: str, place: str, **how: Any) -> argparse.ArgumentParser:
        added = command(name, lambda args, settings: run(settings, getattr(args, place)), help)
        added.add_argument(place, **how)
        return added

    check = sub("check", commands.run_check, "read and lint a training or evaluation set", "dataset")
    check.add_argument("--clean", metavar="FILE", help="also write a copy without what would harm a run")
    check.add_argument("--against", nargs="+", default=[], metavar="FILE", help="sets that must not share rows with it")
    check.add_argument("--index", action="store_true", help="also look whether indexed documents hold the questions")
    check.add_argument(
        "--columns", metavar="COLUMN", nargs="+", help="of a table, such as question=Frage answer=Antwort"
    )
    check.set_defaults(run=lambda args, settings: run_check(args, settings, opened))
    train = sub("train", commands.run_train, "train a LoRA adapter in a process of its own", "dataset")
    train.add_argument("--recipe", choices=["sft", "raft", "mix"], default="sft", help="without, with or both passages")
    train.add_argument("--preset", choices=["smoke", "small", "full"], default="small", help="how long")
    train.add_argument("--steps", type=int, help="instead of the preset's")
    train.add_argument(
        "--set", metavar="NAME=VALUE", nargs="+", default=[], help="advanced settings, such as rank=8 seed=1"
    )
    train.add_argument("--name", help="of the adapter")
    train.add_argument("--follow", action="store_true", help="wait for the end; interrupting leaves the run going")
    train.add_argument("--drop", action="store_true", help="leave out the rows that the clean copy leaves out")
    train.add_argument("--against", nargs="+", default=[], metavar="FILE", help="sets that must not share rows with it")
    train.add_argument(
        "--columns", metavar="COLUMN", nargs="+", help="of a table, such as question=Frage answer=Antwort"
    )
    train.add_argument("--processes", type=int, default=1, help="that share each batch, under torchrun")
    kinds = train.add_mutually_exclusive_group()
    kinds.add_argument("--duel", action="store_true", help="SFT and RAFT from the same rows at equal steps")
    kinds.add_argument("--sweep", nargs="*", metavar="NAME=A,B", help="such as rank=8,16 learning_rate=1e-3,4e-3")
    kinds.add_argument("--curve", action="store_true", help="on 25, 50 and 100 %% of the rows, at equal steps")
    train.set_defaults(run=lambda args, settings: run_train(args, settings, opened, shown))
    listed = sub("runs", commands.run_runs, "training runs, one of them, or how several compare", "id", nargs="?")
    listed.add_argument("--group", metavar="NAME", help="the table of a duel, sweep or curve")
    listed.add_argument("--diff", metavar="OTHER", help="what the run and another one differ in")
    listed.set_defaults(
        run=lambda args, settings: commands.run_runs(settings, args.id, group=args.group, other=args.diff)
    )
    sub("stop", commands.run_stop, "stop a run, keep its best adapter", "id")
    sub("resume", commands.run_resume, "go on with a run that was stopped or killed", "id")


def run_check(args: argparse.Namespace, settings: Settings, opened: Opened) -> Result:
    from .training import commands

    given: dict[str, Any] = {"others": args.against, "clean": args.clean, "mapping": columns(args)}
    if not args.index:
        return commands.run_check(settings, args.dataset, **given)
    with opened(settings) as studio:
        return commands.run_check(settings, args.dataset, search=searching(studio), **given)


def run_train(args: argparse.Namespace, settings: Settings, opened: Opened, shown: Shown) -> Result:
    from .training import commands
    from .training.plan import read_wishes

    kind = "duel" if args.duel else "curve" if args.curve else "sweep" if args.sweep is not None else ""
    given = (args.dataset, args.recipe, args.preset, args.steps, args.name)
    more = {"drop": args.drop, "against": args.against, "mapping": columns(args), "processes": args.processes}
    more["advanced"] = read_wishes(args.set)

    def started(search: Any = None) -> Result:
        if kind:
            return commands.run_group(settings, kind, *given, grid=args.sweep or (), search=search, **more)
        return commands.run_train(settings, *given, search=search, **more)

    if args.recipe == "sft" and kind != "duel":
        result, lines = started()
    else:
        with opened(settings) as studio:  # rows without passages of their own get them from the index
            result, lines = started(searching(studio))
    if not args.follow:
        return result, lines
    if kind:
        return commands.follow_group(settings, result["group"], shown(args))
    return commands.run_follow(settings, result["id"], shown(args))


def searching(studio: Any) -> Callable[[str, int], list[Passage]]:
    """Search as rows of examples need it: the passages alone."""
    return lambda question, k: studio.timed_search(question, k, None)[0]


def columns(args: argparse.Namespace) -> dict[str, str] | None:
    """`--columns question=Frage answer=Antwort` as a mapping."""
    pairs = [word.partition("=") for word in args.columns or ()]
    return {field: column for field, _, column in pairs} or None


def add_propose(command: Command, opened: Opened, shown: Shown) -> None:
    """Add `propose`."""
    propose = command(
        "propose",
        lambda args, settings: run_propose(args, settings, opened, shown),
        "training examples from the indexed documents, by the loaded model",
    )
    propose.add_argument("file", help="the JSONL file to write: read it, mend it, drop what is wrong, then train on it")
    propose.add_argument("--count", type=int, default=20, help="how many passages are asked about")
    propose.add_argument("--sources", nargs="+", default=[], metavar="SOURCE", help="only these, as `documents` lists")
    propose.add_argument("--seed", type=int, default=0, help="draws the passages")
    propose.add_argument("--doubtful", action="store_true", help="also write those that something speaks against")


def run_propose(args: argparse.Namespace, settings: Settings, opened: Opened, shown: Shown) -> Result:
    from .examples.propose import row_of, save_examples
    from .types import Progress

    show, made = shown(args), []
    with opened(settings) as studio:
        studio.prepare(show)
        for proposal in studio.propose(args.count, args.sources, args.seed):
            made.append(proposal)
            show(Progress(len(made), args.count, proposal.question or "(no question)"))
    show(Progress(0, 0, ""))
    taken = [one.accept() for one in made if one.question and (args.doubtful or not one.doubts)]
    lines = [f"{one.question or '(no question)'}\n    {one.answer}  [{one.source}]" for one in made]
    lines = [line + "".join(f"\n    - {doubt}" for doubt in one.doubts) for line, one in zip(lines, made, strict=True)]
    if taken:
        save_examples(taken, args.file)
    where = f"{len(taken)} written to {args.file}" if taken else "none written"
    lines.append(f"{len(made)} proposals, {sum(not one.doubts for one in made)} without a doubt; {where}.")
    return {"proposals": [one.to_json() for one in made], "written": [row_of(one) for one in taken]}, lines


def add_adapters(command: Command) -> None:
    """Add `adapters` with its verbs."""
    from .adapter_commands import USAGE, run_adapters

    run = lambda args, settings: run_adapters(settings, args.verb, args.words)  # noqa: E731
    adapters = command("adapters", run, "list, rename, export, import, merge or delete adapters")
    adapters.add_argument("verb", nargs="?", choices=list(USAGE), default="list")
    usage = "; ".join(f"{verb} {words}" for verb, words in USAGE.items() if words)
    adapters.add_argument("words", nargs="*", metavar="WORD", help=usage)
