"""What `adapters` and its verbs do for a terminal: calls become a JSON value and lines for people."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .adapter_files import delete_adapter, deleted_adapters, export_adapter, import_adapter, rename_adapter
from .adapter_files import restore_adapter as restore
from .adapters import AdapterInfo, find_adapter, find_adapters
from .errors import AdapterError
from .settings import ASSETS, Settings

Result = tuple[Any, list[str]]
USAGE = {
    "list": "",
    "rename": "NAME NEW",
    "export": "NAME [FILE.zip]",
    "import": "FILE.zip|FOLDER [NAME]",
    "merge": "NAME FOLDER",
    "delete": "NAME",
    "undo": "[NAME]",
}


def run_adapters(settings: Settings, verb: str = "list", words: Sequence[str] = ()) -> Result:
    """`adapters [VERB] [WORD...]`; AdapterError with the usage when the words do not fit the verb."""
    needed = USAGE[verb].split()
    least = sum(not word.startswith("[") for word in needed)
    if not least <= len(words) <= len(needed):
        raise AdapterError(f"Usage: ragft adapters {verb} {USAGE[verb]}".rstrip())
    verbs: dict[str, Callable[..., Result]] = {
        "list": _list,
        "rename": _rename,
        "export": _export,
        "import": _import,
        "merge": _merge,
        "delete": _delete,
        "undo": _undo,
    }
    return verbs[verb](settings, *words)


def folders(settings: Settings) -> tuple[Path, Path]:
    """The user's own adapters and the shipped ones."""
    return Path(settings.home).expanduser().resolve() / "adapters", ASSETS / "adapters"


def _list(settings: Settings) -> Result:
    own, shipped = folders(settings)
    found = find_adapters((own, shipped))
    lines = [_line(info) for info in found] or ["No adapters."]
    lines += [
        f"deleted   {gone.name} ({gone.when[:19]} UTC): ragft adapters undo" for gone in deleted_adapters(own)[:3]
    ]
    return {"adapters": [_json(info) | {"own": info.folder.parent == own} for info in found]}, lines


def _rename(settings: Settings, name: str, new: str) -> Result:
    info = rename_adapter(folders(settings)[0], name, new)
    return _json(info), [f"{name} is now {new}."]


def _export(settings: Settings, name: str, file: str = ".") -> Result:
    made = export_adapter(folders(settings), name, file)
    return {"file": str(made), "bytes": made.stat().st_size}, [f"{made} ({made.stat().st_size / 1e6:.1f} MB)"]


def _import(settings: Settings, source: str, name: str | None = None) -> Result:
    from .merge import fits  # transformers takes seconds to import

    info = import_adapter(folders(settings)[0], source, name, check=lambda found: fits(settings, found))
    return _json(info), [f"The adapter {info.name} is checked and ready."]


def _merge(settings: Settings, name: str, folder: str) -> Result:
    from .merge import merge_adapter

    made = merge_adapter(settings, find_adapter(folders(settings), name), folder)
    lines = [
        f"{made.folder}: {made.parameters / 1e6:.1f} million parameters; logits differ from the adapter on its base "
        f"by {made.difference:.1e} (after rounding as the base is kept: {made.rounded:.1e})."
    ]
    return asdict(made) | {"folder": str(made.folder)}, lines


def _delete(settings: Settings, name: str) -> Result:
    gone = delete_adapter(folders(settings)[0], name)
    return {"deleted": gone.name, "when": gone.when}, [f"{name} is deleted. Bring it back: ragft adapters undo {name}"]


def _undo(settings: Settings, name: str | None = None) -> Result:
    info = restore(folders(settings)[0], name)
    return _json(info), [f"{info.name} is back."]


def _line(info: AdapterInfo) -> str:
    return f"{info.name}  {info.problem or info.recipe or ''}".rstrip()


def _json(info: AdapterInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "sha256": info.sha256,
        "problem": info.problem,
        "recipe": info.recipe,
        "rank": info.rank,
        "base_sha256": info.base_sha256,
        "created": info.created,
    }
