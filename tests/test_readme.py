"""README and docs keep their word: commands exist, settings are complete, figures have their command."""

import re
import shlex
from pathlib import Path

import pytest

from ragft_core import Settings, cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [
    line.strip().removeprefix("$ ")
    for block in re.findall(r"```(?:bash|sh)\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip() and not line.strip().startswith("#")
]


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) > 8


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith(("ragft ", "python -m ragft_core "))])
def test_commands_of_the_readme_parse(command: str) -> None:
    words = shlex.split(re.split(r" [|>] ", command)[0], comments=True)
    words = words[3:] if words[0] == "python" else words[1:]
    assert cli.parser().parse_args(words).run


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_targets_of_the_readme_exist(command: str) -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(shlex.split(command, comments=True)[1:]) <= set(targets)


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if re.match(r"(\.venv/bin/)?python -m (benchmarks|embedded|tests)", c)]
)
def test_modules_of_the_readme_exist(command: str) -> None:
    module = shlex.split(command)[2].replace(".", "/")
    assert (ROOT / f"{module}.py").is_file() or (ROOT / module / "__main__.py").is_file()


def test_every_setting_is_in_the_readme() -> None:
    missing = [name for name in Settings.model_fields if f"`{name}`" not in README]
    assert missing == []


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:|#)([^)]+)\)", README))
def test_links_of_the_readme_lead_somewhere(target: str) -> None:
    assert (ROOT / target.split("#")[0]).exists(), target


def test_ci_runs_what_the_readme_says() -> None:
    assert (ROOT / ".ci" / "run").read_text("utf-8").rstrip().endswith("\nmake test")
    assert "make test" in COMMANDS and "make run" in COMMANDS
