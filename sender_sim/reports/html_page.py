"""A report as an HTML page: one file that asks for nothing else, runs nothing, and shows text from outside as text."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sender_sim.reports.printable import printable

__all__ = ["render"]

_PACKAGE: Final = "sender_sim.reports"
_BASE: Final = "base"


def render(name: str, **values: Any) -> str:
    """The page of a template and its style sheet, which are called `name`, on top of the base that pages share.

    Every page is given `verdict` (its title), `good` (whether the contract was kept) and `facts`, names and values, of
    which the first is the endpoint.
    """
    style = "".join(files(_PACKAGE).joinpath(f"templates/{each}.css").read_text("utf-8") for each in (_BASE, name))
    template = _environment().get_template(f"{name}.html")
    return template.render(
        style=Markup(style),  # noqa: S704 - our own files
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"),
        **values,
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )


def _finalize(value: Any) -> Any:
    """Text without what a browser would obey or could not write, such as changes of direction and lone surrogates."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
