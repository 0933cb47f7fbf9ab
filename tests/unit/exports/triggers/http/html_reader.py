"""Reads rendered HTML for the tests of the ui and of the documentation."""

from __future__ import annotations

from html.parser import HTMLParser


class HtmlReader(HTMLParser):
    """Collects the tags with their attributes, and the content of scripts and styles.

    Attributes:
        inside: The content of scripts and styles, by id, or by tag and type: `style`, `script module`.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        given = dict(attrs)
        is_kept = tag in ("script", "style")
        self._open = (given.get("id") or f"{tag} {given.get('type') or ''}".strip()) if is_kept else ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inside[self._open] = self.inside.get(self._open, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def values(self, tag: str, attribute: str, **having: str) -> list[str]:
        """Return the values of an attribute, of all tags that also have the attributes in `having`."""
        return [
            str(given[attribute])
            for name, given in self.tags
            if name == tag and attribute in given and having.items() <= given.items()
        ]

    def targets(self) -> list[str]:
        """Return every address that a link names or that the browser would load."""
        return [value or "" for _, given in self.tags for name, value in given.items() if name in ("href", "src")]

    def inline_code(self) -> list[dict[str, str | None]]:
        """Return the attributes of the tags that have a style or an event handler, which no policy of ours allows."""
        return [given for _, given in self.tags if "style" in given or any(name.startswith("on") for name in given)]
