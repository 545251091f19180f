"""A process that has torch and PEFT in memory and hatches training workers by fork: a real worker in half a second.

Reads a JSON line {"folder", "log", "env", "room"} per worker and answers with its pid. `room` limits the worker's
further memory, in bytes. What a worker does is `ragft_core.training.worker.main`, as when it is started the usual way.
"""

import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import Any


def hatch(order: dict[str, Any]) -> int:
    """Fork a worker; its pid."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(order["folder"])
        os.environ.update(order["env"])
        if order.get("room"):
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit = pages * os.sysconf("SC_PAGE_SIZE") + int(order["room"])
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        from ragft_core.training.worker import main

        status = main([order["folder"]])
    except BaseException:  # noqa: BLE001 - the child must never go on as the nest
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def sit() -> None:
    """Import what is slow, then hatch until nobody asks any more."""
    import peft  # noqa: F401

    import ragft_core.training.adapter
    import ragft_core.training.loop
    import ragft_core.training.report  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are buried by the kernel
    print("ready", flush=True)
    for line in sys.stdin:
        print(hatch(json.loads(line)), flush=True)


if __name__ == "__main__":
    sit()
