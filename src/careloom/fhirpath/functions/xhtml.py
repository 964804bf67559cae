"""Narrative XHTML. http://hl7.org/fhir/R4/narrative.html#xhtml"""

from __future__ import annotations

import html
from html.parser import HTMLParser

_TAG_NAMES = """
    a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em
    h1 h2 h3 h4 h5 h6 hr i img li ol p pre q samp small span strong table tbody td tfoot th thead
    tr tt ul var sub sup bdo s strike u font del ins"""
_TAGS = frozenset(_TAG_NAMES.split())
_ATTRIBUTE_NAMES = """
    title style class id lang xml:lang dir accesskey tabindex span width align valign char
    charoff abbr axis headers scope rowspan colspan name href rel rev charset hreflang type
    coords shape src alt longdesc height usemap ismap cite datetime xmlns summary border frame
    rules cellspacing cellpadding nowrap size face color compact start value bgcolor"""
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_VOID = frozenset(("br", "hr", "img", "col"))
_SCRIPTS = ("javascript:", "vbscript:", "data:text")


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.open: list[str] = []
        self.roots = 0
        self.content = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self.open:
            self.roots += 1
            if tag != "div":
                self.found.append("The outermost element must be a div")
        if tag not in _TAGS:
            self.found.append("An element is not allowed in narrative")
        for name, value in attrs:
            if name not in _ATTRIBUTES and not name.startswith("xmlns"):
                self.found.append("An attribute is not allowed in narrative")
            plain = html.unescape(value or "").strip().lower()
            if name in ("href", "src") and plain.startswith(_SCRIPTS):
                self.found.append("A link carries a script")
        self.content = self.content or tag == "img"
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag and tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.found.append("Elements are not nested properly")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.content = True
            if not self.open:
                self.found.append("There is text outside of the div")

    def handle_decl(self, decl: str) -> None:
        self.found.append("A document type is not allowed")

    def handle_pi(self, data: str) -> None:
        self.found.append("A processing instruction is not allowed")


def problems(div: str) -> list[str]:
    """What breaks the rules txt-1 and txt-2 in a narrative's div."""
    checker = _Checker()
    checker.feed(div)
    checker.close()
    if checker.roots != 1:
        checker.found.append("There must be one outermost div")
    if checker.open:
        checker.found.append("An element is not closed")
    if not checker.content:
        checker.found.append("The narrative has no content")
    return checker.found
