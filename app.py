"""What `python app.py` and the Space run: Settings -> Studio -> page -> launch."""

import argparse
import logging
import os
import signal
import sys
import threading
import webbrowser
from pathlib import Path

from ragft_core import RagftError, Settings, Studio

PRIVACY = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "ANONYMIZED_TELEMETRY": "False"}


def main() -> int:
    """Serve until interrupted; 1 with a sentence on stderr when that cannot be done."""
    args = arguments()
    flags = {"host": args.host, "port": args.port, "home": args.home, "demo": False if args.no_demo else None}
    config = args.config and args.config.resolve()
    if args.home:
        flags["home"] = args.home.expanduser().resolve()
    os.chdir(Path(__file__).parent)  # so that no file of the folder the user stands in can be served
    logs = logging.StreamHandler()
    logs.setLevel(logging.WARNING)  # on the handler: some libraries set their own logger to DEBUG
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", handlers=[logs])
    try:
        with Studio(Settings.load(config, **flags)) as studio:
            serve(studio, open_browser=not args.no_browser)
    except RagftError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="RAGFT: RAG, fine-tuned and hybrid answers side by side.")
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port of the page (7860, or the next free one); 0: any free one")
    parser.add_argument("--home", type=Path, help="folder of everything RAGFT keeps")
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("--no-demo", action="store_true", help="leave an empty home empty")
    return parser.parse_args()


def serve(studio: Studio, open_browser: bool) -> None:
    """Bring the page up, then load the model behind it; returns when a signal asks to end."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    os.environ.update(PRIVACY, GRADIO_TEMP_DIR=str(studio.home.downloads))
    studio.home.downloads.mkdir(mode=0o700, exist_ok=True)

    import ragft_ui  # gradio reads the environment when it is imported, and takes seconds

    turns = ragft_ui.Turns()
    page = ragft_ui.build(studio, turns)
    url = ragft_ui.launch(page, studio)
    studio.home.announce(url)
    owner = ragft_ui.Owner(studio)
    print(f"RAGFT is at {url}", flush=True)
    if owner.possible and not owner.free and not owner.printed:
        print(f"Its owner comes by {url}/?owner=<owner_token of the settings>", flush=True)
    if owner.printed:
        print(f"Its owner's link, not for others: {owner.link(url)}", flush=True)
    studio.warm_in_background()
    if open_browser:
        webbrowser.open(owner.link(url))
    ended.wait()
    turns.stop_all()
    page.close(verbose=False)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # the home is given back; a library's thread in mid-computation must not hold up the end
