import shutil
from pathlib import Path

import pytest
import yaml

from ragft_core import SettingsError
from ragft_core.spacecard import ROOT, front_matter, main


def test_readme_carries_the_card_of_space_yaml() -> None:
    assert main([]) == 0


def test_the_sdk_version_is_the_gradio_pin() -> None:
    card = yaml.safe_load((ROOT / "space.yaml").read_text("utf-8"))["card"]
    assert f"gradio=={card['sdk_version']}" in (ROOT / "requirements.txt").read_text("utf-8").splitlines()


def test_drift_is_found_and_written_away(tmp_path: Path) -> None:
    for name in ("space.yaml", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    space = tmp_path / "space.yaml"
    space.write_text(space.read_text("utf-8").replace("title: RAGFT", "title: Other"), "utf-8")
    assert main([], tmp_path) == 1
    assert main(["--write"], tmp_path) == 0
    assert main([], tmp_path) == 0 and "title: Other" in (tmp_path / "README.md").read_text("utf-8")


@pytest.mark.parametrize("wrong", [{"colour": "teal"}, {"colorFrom": "teal", "colorTo": "blue"}])
def test_what_the_hub_does_not_know_is_refused(wrong: dict) -> None:
    with pytest.raises(SettingsError, match=r"space\.yaml"):
        front_matter({"colorFrom": "blue", "colorTo": "blue"} | wrong)
