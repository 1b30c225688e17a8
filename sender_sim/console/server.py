"""The console as a server: opened from its file, served until it is told to stop."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sender_sim.console.access import Access
from sender_sim.console.app import create_app
from sender_sim.console.simulation import Options, Simulation
from sender_sim.console.state import State

__all__ = ["Place", "Server", "opened"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the console is served, from what file, and who may use it. Port 0: any that is free."""

    state: Path
    host: str = "127.0.0.1"
    port: int = 0
    access: Access = field(default_factory=Access)


class Server:
    """A console that answers requests while `run` runs."""

    def __init__(self, server: BaseWSGIServer) -> None:
        self._server = server

    @property
    def url(self) -> str:
        """Where it is."""
        host = f"[{self._server.host}]" if ":" in self._server.host else self._server.host
        return f"http://{host}:{self._server.port}/"

    def run(self) -> None:
        """Answer requests until Ctrl-C."""
        self._server.serve_forever(poll_interval=0.1)


class _Quiet(WSGIRequestHandler):
    """A person at a page is no traffic to log: only errors are."""

    timeout = 30  # a connection that says nothing does not keep its thread

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@contextmanager
def opened(place: Place, options: Options) -> Iterator[Server]:
    """A console for the block. Raises JournalError and SettingsError for its state, OSError for its port."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with State.opened(place.state, now=datetime.now(UTC).replace(microsecond=0)) as state:
        simulation = Simulation(state, options)
        try:
            app = create_app(simulation, place.access, port=place.port)
            with _listening(place.host, place.port) as listener:
                server = make_server(
                    place.host, place.port, app, threaded=True, request_handler=_Quiet, fd=listener.fileno()
                )
                server.daemon_threads = True  # type: ignore[attr-defined] # a browser that waits does not keep us here
                try:
                    yield Server(server)
                finally:
                    server.server_close()
        finally:
            simulation.close()


def _listening(host: str, port: int) -> socket.socket:
    """A socket at the address: the server's own would end the program where the address is taken."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=64)
