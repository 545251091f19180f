"""The app as a user starts it: a process of its own, real parts, spoken to through the page."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
START_SECONDS = 120


class App:
    """`python app.py --port 0 ...`, or another `command`, with its own home; `url` is the address that it printed."""

    def __init__(self, folder: Path, *flags: str, command: tuple[str, ...] = ()) -> None:
        self.home = folder / "home"
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        self.log = folder / "log.txt"
        environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONUNBUFFERED": "1"}
        command = command or ("app.py", "--port", "0", "--no-browser", *flags, "--home")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command, str(self.home)], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        self.url = self._address()

    def _address(self) -> str:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            if found := re.search(r"RAGFT is at (http://\S+)", self.log.read_text()):
                return found[1]
            time.sleep(0.1)
        raise AssertionError(f"the app did not come up:\n{self.log.read_text()}")

    def cpu_seconds(self) -> float:
        """Processor time that the app has used so far, over all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> int:
        """End it as Ctrl+C's bigger brother does; returns the exit status."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.close()
