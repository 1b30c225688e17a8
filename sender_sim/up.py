"""Both programs with their pages, ready to click: the receiver over HTTPS, and the console set up to send to it."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sender_sim import certs, settings
from sender_sim.certs import DevelopmentKeys, KeysExistError
from sender_sim.console.access import Access
from sender_sim.console.draft import Draft
from sender_sim.console.server import Place, Server, opened
from sender_sim.console.simulation import Options
from sender_sim.receiver_process import ReceiverProcess
from sender_sim.transports import HttpsTransport, trust

__all__ = ["Up", "up"]

_PASSWORD: Final = "KAISA_INSPECT_PASSWORD"  # noqa: S105 - the name of the setting


@dataclass(frozen=True, slots=True)
class Up:
    """What runs, and how to get in."""

    console: Server
    receiver: ReceiverProcess
    password: str
    keys: DevelopmentKeys

    @property
    def inspector(self) -> str:
        """The address of the receiver's page."""
        return f"{self.receiver.url.rpartition('/')[0]}/inspect"


@contextmanager
def up(folder: Path, access: Access, *, console_port: int, receiver_port: int) -> Iterator[Up]:
    """Both of them for the block, with everything they keep in `folder`: the next time they go on from there.

    Raises OSError, JournalError and SettingsError for what is in the folder; ClickException if the receiver does not
    start.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the receiver's inbox holds phone numbers
    keys = _keys(folder)
    password = _kept_password(folder / "inspector-password")
    with ExitStack() as stack:
        receiver = stack.enter_context(ReceiverProcess.running(keys, {_PASSWORD: password}, receiver_port))
        file = folder / "integration.toml"
        file.write_text(_integration(receiver.url, keys), "utf-8")
        tls = trust(keys.ca)
        options = Options(
            open_transport=lambda: HttpsTransport.open(tls),
            ca=keys.ca,
            first=Draft.from_settings(settings.read_file(file)),
        )
        place = Place(state=folder / "console.sqlite3", port=console_port, access=access)
        console = stack.enter_context(opened(place, options))
        yield Up(console, receiver, password, keys)


def _keys(folder: Path) -> DevelopmentKeys:
    """Those that are there, or new ones."""
    try:
        return certs.mint(folder, now=datetime.now(UTC))
    except KeysExistError:
        keys = DevelopmentKeys(folder)
        return keys if all(path.exists() for path in keys) else certs.mint(folder, now=datetime.now(UTC), force=True)


def _kept_password(path: Path) -> str:
    """The password of the inspector: made once, for the eyes of this user alone. Without one there is no inspector."""
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:  # noqa: PTH123 - a descriptor
        kept = file.read().strip()
        if not kept:  # new, or cut off before anything was written
            kept = secrets.token_urlsafe(12)
            file.write(kept)
        return kept


def _integration(url: str, keys: DevelopmentKeys) -> str:
    """What Setup is first filled with: a settings file, which `sender-sim run --settings` takes too."""
    key = json.dumps(str(keys.signing_key.absolute()))  # a string of TOML is written as one of JSON
    return f'url = "{url}"\nretry = true\n\n[signature]\nkey = {key}\n'
