"""Put on PYTHONPATH of a child process, this closes its network and notes every attempt to leave the machine."""

import os
import socket
from pathlib import Path

_LOCAL = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "", None}
_connect, _look_up = socket.socket.connect, socket.getaddrinfo


def _refuse(target: object) -> None:
    with Path(os.environ["RAGFT_TEST_NETWORK_LOG"]).open("a") as log:
        log.write(f"{target}\n")
    raise OSError(f"the network is closed: {target}")


def _guarded_connect(self: socket.socket, address: object) -> None:
    if isinstance(address, tuple) and address[0] not in _LOCAL:
        _refuse(address[0])
    _connect(self, address)


def _guarded_look_up(host: object, *args: object, **kwargs: object) -> object:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in _LOCAL and name != socket.gethostname():
        _refuse(name)
    return _look_up(host, *args, **kwargs)


socket.socket.connect = _guarded_connect
socket.getaddrinfo = _guarded_look_up
