"""The page over a model that weighs nothing and takes its time: `python -m tests.browser.slow_app HOME`.

The embedded model answers in half a second: too short to stop, to queue behind, or to leave in the middle of.
"""

import sys
from pathlib import Path

import app
from ragft_core import Settings, Studio
from ragft_core.testing import EchoEngine, OnePageIndex

SECONDS_PER_TOKEN = 0.3

if __name__ == "__main__":
    settings = Settings.load(home=Path(sys.argv[1]), demo=False, port=0)
    with Studio(settings, engine=EchoEngine(SECONDS_PER_TOKEN), retrieval=OnePageIndex()) as studio:
        app.serve(studio, open_browser=False)
