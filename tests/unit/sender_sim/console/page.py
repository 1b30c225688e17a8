"""A page as a person or a screen reader meets it: elements by id, what describes a field, what can be pressed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "br", "line", "rect", "circle"}


@dataclass
class Element:
    """One element, its attributes (None: without a value) and what is in it."""

    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name) or ""

    def __contains__(self, name: str) -> bool:
        return name in self.attributes

    @property
    def text(self) -> str:
        """All text in it, with single spaces."""
        return " ".join(self.raw.split())

    @property
    def raw(self) -> str:
        """All text in it as it stands."""
        return "".join(each if isinstance(each, str) else each.raw for each in self.children)

    def all(self, tag: str = "", **attributes: str) -> list["Element"]:
        """Everything in it with this tag and these attributes; `class_` is one of its classes."""
        found = []
        for each in self.children:
            if isinstance(each, Element):
                if (not tag or each.tag == tag) and all(each.has(name, value) for name, value in attributes.items()):
                    found.append(each)
                found += each.all(tag, **attributes)
        return found

    def has(self, name: str, value: str) -> bool:
        return value in self["class"].split() if name == "class_" else self[name] == value


class Page(HTMLParser):
    """Reads a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.root = Element("")
        self._open = [self.root]
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    @property
    def text(self) -> str:
        return self.root.text

    def __getitem__(self, element_id: str) -> Element:
        [found] = self.root.all(id=element_id)
        return found

    def described(self, field_id: str) -> str:
        """What a screen reader says of a field, beside its label."""
        return " ".join(self[each].text for each in self[field_id]["aria-describedby"].split())

    def buttons(self) -> list[str]:
        """What can be pressed."""
        return [each.text for each in self.root.all("button") if "disabled" not in each]

    def main(self) -> Element:
        return self["main"]
