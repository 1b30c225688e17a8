"""The settings form of Setup (C2-C9) as it was filled in, right or wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from receiver import wire
from sender_sim import settings
from sender_sim.core.integration import Integration
from sender_sim.core.sign import KeyRejected

__all__ = ["SWITCHES", "TEXTS", "Draft", "by_field"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What stands in the form. An empty macro is Kaisa's default; with `sign` off, what is below it waits."""

    url: str = ""
    macro: str = ""
    json: bool = False
    pre_call: bool = False
    after_outbound: bool = False
    retry: bool = True
    wait_for_recording: bool = False
    sign: bool = False
    key: str = ""
    digest: str = wire.DIGESTS[0]
    padding: str = wire.PADDINGS[0]
    encoding: str = wire.SIGNATURE_ENCODINGS[0]
    allow_weak: bool = False

    @classmethod
    def from_form(cls, form: Mapping[str, str]) -> Self:
        """The draft of a submitted form, in which a switch that is off is not there at all."""
        values: dict[str, Any] = {name: form.get(name, "").strip() for name in TEXTS}
        values["macro"] = form.get("macro", "").replace("\r\n", "\n")  # as it was typed: browsers send CR LF
        return cls(**values | {name: name in form for name in SWITCHES})

    @classmethod
    def from_settings(cls, values: Mapping[str, Any]) -> Self:
        """The draft of values named as in a settings file, as far as they are what the form has a place for."""
        signature = values.get("signature")
        flat = {**values, **signature, "sign": True} if isinstance(signature, Mapping) else values
        blank = asdict(cls())
        return cls(**{name: flat[name] for name in blank if isinstance(flat.get(name), type(blank[name]))})

    def as_query(self) -> dict[str, str]:
        """The draft as the query of an address, which `from_form` reads."""
        values = asdict(self)
        return {name: values[name] for name in TEXTS} | {name: "on" for name in SWITCHES if values[name]}

    def load(self, *, active: bool, allow_http: bool, timeout: float | None = None) -> Integration:
        """The integration. Raises SettingsError with every mistake."""
        given = {name: value for name, value in asdict(self).items() if value != ""}
        signature = {name: given.pop(name) for name in _SIGNATURE if name in given}
        if given.pop("sign"):
            given["signature"] = signature
        if timeout is not None:
            given["timeout"] = timeout
        return settings.load({**given, "active": active}, allow_http=allow_http, read_key=_read_key)

    def differing(self, other: "Draft") -> list[str]:
        """The names of the fields in which two drafts differ."""
        return [each.name for each in fields(self) if getattr(self, each.name) != getattr(other, each.name)]


# An RSA key of 16,384 bits has 13,000.
_LARGEST_KEY: Final = 64 * 1024


def _read_key(path: Path) -> bytes:
    """A key's file, whatever a form names: a pipe or a device may have no end. Raises OSError, KeyRejected."""
    if "\0" in str(path):
        raise KeyRejected("is no name of a file")
    if path.exists() and not path.is_file():
        raise KeyRejected("is no file; name the private key (PEM) to sign with")
    with path.open("rb") as file:
        content = file.read(_LARGEST_KEY + 1)
    if len(content) > _LARGEST_KEY:
        raise KeyRejected(f"has over {_LARGEST_KEY:,} bytes, which no key has; name the private key (PEM) to sign with")
    return content


_SIGNATURE: Final = ("key", "digest", "padding", "encoding", "allow_weak")
SWITCHES: Final = tuple(each.name for each in fields(Draft) if each.type is bool)
TEXTS: Final = tuple(each.name for each in fields(Draft) if each.type is str)


def by_field(problems: Iterable[str]) -> dict[str, list[str]]:
    """The problems of a SettingsError beside the fields of the form they are about."""
    beside: dict[str, list[str]] = {}
    for problem in problems:
        place, _, words = problem.partition(": ")
        beside.setdefault(place.removeprefix("signature."), []).append(words)
    return beside
