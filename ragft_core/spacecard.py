"""space.yaml becomes README.md's front matter; without --write it only checks, exit code 1 on drift."""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .errors import SettingsError

# The keys and colours of the Hub's Spaces configuration reference that a card of ours may use.
KEYS = frozenset(
    "title emoji colorFrom colorTo sdk sdk_version python_version app_file app_port base_path fullWidth header "
    "short_description suggested_hardware startup_duration_timeout models datasets tags thumbnail pinned license "
    "hf_oauth hf_oauth_scopes hf_oauth_expiration_minutes disable_embedding custom_headers preload_from_hub".split()
)
COLORS = frozenset("red yellow green blue indigo purple pink gray".split())
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
ROOT = Path(__file__).parents[1]


def front_matter(card: Mapping[str, Any]) -> str:
    """The YAML block that opens README.md; SettingsError for a key or colour the Hub does not know."""
    if unknown := sorted(set(card) - KEYS):
        raise SettingsError(f"space.yaml has keys that are not Space card keys: {', '.join(unknown)}.")
    for key in ("colorFrom", "colorTo"):
        if card.get(key) not in COLORS:
            raise SettingsError(f"space.yaml: {key} must be one of {', '.join(sorted(COLORS))}.")
    return "---\n" + yaml.safe_dump(dict(card), sort_keys=False, allow_unicode=True, width=1000) + "---\n"


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="bring README.md up to date")
    args = parser.parse_args(argv)
    card = yaml.safe_load((root / "space.yaml").read_text("utf-8"))["card"]
    readme = root / "README.md"
    text = readme.read_text("utf-8")
    wanted = front_matter(card) + FRONT_MATTER.sub("", text, count=1)
    if text == wanted:
        return 0
    if not args.write:
        print("README.md's front matter differs from space.yaml: run with --write.", file=sys.stderr)
        return 1
    readme.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
