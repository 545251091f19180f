"""The same calls from a terminal: arguments become Studio calls, results become lines or one JSON value."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .cli_documents import add_documents
from .cli_training import add_adapters, add_propose, add_training
from .doctor import doctor
from .errors import HomeError, RagftError, RatingError
from .home import owner_of
from .remote import RemoteStudio
from .searches import MODES, STEPS, trace_json, trace_lines
from .settings import Settings
from .studio import Studio
from .types import ARMS, DEFAULT_ARMS, Answer, Comparison, Passage, Progress, to_json
from .version import VERSION

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 a RagftError, 2 wrong usage, 130 interrupted."""
    args = parser().parse_args(argv)
    try:
        settings = Settings.load(args.config, home=args.home, demo=False if args.no_demo else None)
        result, lines = args.run(args, settings)
    except RagftError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what was finished is kept.", file=sys.stderr)
        return INTERRUPTED
    say(json.dumps(result, ensure_ascii=False) if args.json else "\n".join(lines))
    return INTERRUPTED if isinstance(result, dict) and result.get("stopped") is True else 0


def say(text: str) -> None:
    """Print it; a reader who has gone (`ragft ... | head`) is no error.

    Not by the signal SIGPIPE: it would also end this process when a child that reads files for it has died.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends


Result = tuple[Any, list[str]]  # the JSON value, and the same for people


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", help="folder of everything RAGFT keeps (default: RAGFT_HOME or the user data folder)")
    common.add_argument("--config", help="settings file (TOML)")
    common.add_argument("--json", action="store_true", help="print one JSON value; progress goes to stderr")
    common.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
    common.add_argument("--no-demo", action="store_true", help="do not install the demo into an empty home")
    top = argparse.ArgumentParser(prog="ragft", description="RAG, fine-tuned and hybrid answers, side by side.")
    top.add_argument("--version", action="version", version=f"ragft {VERSION}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace, Settings], Result], help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, parents=[common])
        sub.set_defaults(run=run)
        return sub

    add_documents(command, shown)
    command("documents", run_documents, "list what is indexed")
    search = command("search", run_search, "find passages, without a model")
    search.add_argument("question")
    search.add_argument("-k", type=int, help="how many passages")
    search.add_argument("--mode", choices=["hybrid", "dense", "keyword"])
    search.add_argument("--trace", action="store_true", help="also what every step gave and dropped")
    add_steps(search)
    ask = command("ask", run_ask, "answer one question with every arm")
    ask.add_argument("question")
    ask.add_argument("--arms", default=",".join(DEFAULT_ARMS), help="among " + ",".join(arm.key for arm in ARMS))
    ask.add_argument("--adapter", help="adapter of the Fine-tuned and Hybrid arms")
    ask.add_argument("-k", "--top-k", type=int, help="passages that RAG and Hybrid read")
    ask.add_argument("--max-new-tokens", type=int, help="longest answer, in tokens")
    add_steps(ask)
    add_training(command, opened, shown)
    add_propose(command, Studio, shown)
    add_ratings(command)
    add_adapters(command)
    command("doctor", run_doctor, "what this machine can run, and what is missing")
    return top


def add_steps(command: argparse.ArgumentParser) -> None:
    command.add_argument("--steps", help="of the search, by commas: " + ", ".join([*MODES["hybrid"], *STEPS]))
    command.add_argument("--where", action="append", default=[], metavar="CONDITION", help="as source=handbook/*")
    command.add_argument("--collection", help="the documents to look in (default: the setting collection)")


def add_ratings(command: Callable[..., argparse.ArgumentParser]) -> None:
    ratings = command("ratings", run_ratings, "export, rank or import human ratings")
    ratings.add_argument("verb", choices=["export", "rank", "import"])
    ratings.add_argument("file", nargs="?", help="the file to write (.csv, .jsonl) or to read")
    ratings.add_argument("--format", choices=["ratings", "pairs"], default="ratings", help="what export writes")
    ratings.add_argument(
        "--study",
        help="only this study (default: all for export, the newest for rank); for import: which study a judge judged",
    )
    ratings.add_argument("--no-texts", action="store_true", help="export without questions, answers and notes")


def run_ratings(args: argparse.Namespace, settings: Settings) -> Result:
    if args.verb != "rank" and not args.file:
        raise RatingError(f"Name the file: ragft ratings {args.verb} FILE")
    with Studio(settings) as studio:
        if args.verb == "export":
            done = studio.ratings.export(args.file, args.study, format=args.format, texts=not args.no_texts)
        elif args.verb == "import":
            done = studio.ratings.import_file(args.file, study=args.study)
        else:
            done = studio.ratings.rank(args.study)
    return done, [f"{name}: {value}" for name, value in done.items()]


def run_documents(args: argparse.Namespace, settings: Settings) -> Result:
    with opened(settings) as studio:
        documents = studio.documents()
    kept = {d.collection for d in documents} - {settings.collection}
    lines = [
        f"{d.chunks:5} chunks  {d.source}  {d.title}{f'  [{d.collection}]' if kept else ''}" for d in documents
    ] or ["No documents yet: ragft index PATH"]
    return {"documents": [to_json(d) for d in documents]}, lines


def run_search(args: argparse.Namespace, settings: Settings) -> Result:
    with opened(settings) as studio:
        studio.prepare(shown(args))
        trace = studio.trace(args.question, args.k, args.mode, args.steps, args.where, args.collection)
    found = [line for n, passage in enumerate(trace.passages, 1) for line in passage_lines(n, passage)]
    warning = [f"warning: {trace.low_evidence}"] if trace.low_evidence else []
    steps = trace_lines(trace) if args.trace else []
    return trace_json(trace), [*steps, *warning, *(found or ["Nothing found."])]


def run_ask(args: argparse.Namespace, settings: Settings) -> Result:
    show = shown(args)
    with opened(settings) as studio:
        studio.prepare(show)
        last: Comparison | None = None
        for last in studio.ask(
            args.question,
            args.arms.split(","),
            adapter=args.adapter,
            top_k=args.top_k,
            max_new_tokens=args.max_new_tokens,
            steps=args.steps,
            where=args.where,
            collection=args.collection,
        ):
            tokens = sum(answer.tokens for answer in last.answers)
            show(Progress(tokens, 0, f"{tokens} tokens"))
    assert last is not None  # a comparison has at least its first snapshot
    show(Progress(0, 0, ""))
    return to_json(last), [line for answer in last.answers for line in answer_lines(answer)]


def run_doctor(args: argparse.Namespace, settings: Settings) -> Result:
    checks = doctor(settings)
    lines = [
        f"{'ok ' if check.ok else 'BAD'} {check.name}: {check.detail}{'' if check.ok else f'  -> {check.fix}'}"
        for check in checks
    ]
    return {"checks": [to_json(check) for check in checks]}, lines


def opened(settings: Settings) -> Studio | RemoteStudio:
    """A Studio on this home or, when a running app owns it, that app over loopback."""
    try:
        return Studio(settings)
    except HomeError:
        url = owner_of(settings.home).get("url")
        if not url:
            raise
        return RemoteStudio(url)


def shown(args: argparse.Namespace) -> Callable[[Progress], None]:
    """A progress line on stderr, if someone sits there and wants it."""
    if args.quiet or not sys.stderr.isatty():
        return lambda _: None

    def show(progress: Progress) -> None:
        share = f"{progress.done}/{progress.total} " if progress.total else ""
        print(f"\r\x1b[K{share}{progress.message[:100]}", end="", file=sys.stderr, flush=True)

    return show


def passage_lines(n: int, passage: Passage) -> list[str]:
    scores = ", ".join(f"{name} {score:.3f}" for name, score in passage.scores.items())
    page = f", page {passage.page}" if passage.page else ""
    return [f"[{n}] {passage.title or passage.source} ({passage.source}{page}; {scores})", f"    {passage.text}"]


def answer_lines(answer: Answer) -> list[str]:
    label = next(arm.label for arm in ARMS if arm.key == answer.arm)
    first = f", first after {answer.first_token_seconds:.2f} s" if answer.first_token_seconds is not None else ""
    head = f"== {label} ({answer.state}: {answer.tokens} tokens in {answer.seconds:.2f} s{first})"
    sources = [f"   [{n}] {p.title or p.source}" for n, p in enumerate(answer.passages, 1) if n in answer.cited]
    return [head, answer.error or answer.text, *sources, ""]
