"""A letter as lines, cells, labelled rows and sentences, all with their place in the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

_CELL = re.compile(r"[^\s|](?:(?:(?! {2,}|\t|\|).)*[^\s|])?")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Dr|Dra|Mr|Mrs|Ms|St|Prof|Sr|Sra|Mme|Mlle|No|Nr|Tel|Tél|approx|e\.g|i\.e|z|Z|n|V|v|a|ca|"
    r"bzw|ggf|li|re|geb|med|Tab|Cap|Inj|h|o|d|b|w|resp|incl|inkl|etc|vs|q|p|art|ca|Std|Pat|[A-Z]))\.$"
)
_LABEL = re.compile(r"^([^\W\d_][\w .,/()'’&°º?-]{0,38}?)\s*[:：](?!\d\d)\s*(.*)$", re.S)
_ORDINAL = re.compile(
    r"\s+(?:SSW|Schwangerschaftswoche|Woche|Tag|Monat|Lebens\w+|LJ|LWK|BWK|Zyklus)\b"
)
_BULLET = re.compile(r"^\s*(?:[-*•·–]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of a line between wide gaps."""

    text: str
    start: int
    line: int
    column: int

    @property
    def end(self) -> int:
        """Behind the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Row:
    """A label and its value, which may run over indented lines below."""

    label: str
    value: str
    start: int
    """Where the value starts."""
    line: int

    @property
    def end(self) -> int:
        """Behind the value."""
        return self.start + len(self.value)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, bullet or labelled row; `label` is that of its row or section."""

    text: str
    start: int
    label: str

    @property
    def end(self) -> int:
        """Behind the last character."""
        return self.start + len(self.text)


class Letter:
    """Structure of a letter; everything is computed on demand and once."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lines(self) -> list[tuple[int, str]]:
        """(start, line) without the line end."""
        return [
            (m.start(), m[0])
            for m in re.finditer(r"[^\n\f]*", self.text)
            if m[0] or m.start() == 0 or self.text[m.start() - 1] in "\n\f"
        ]

    @cached_property
    def cells(self) -> list[Cell]:
        """Cells from top to bottom, left to right."""
        return [
            Cell(m[0], start + m.start(), number, m.start())
            for number, (start, line) in enumerate(self.lines)
            for m in _CELL.finditer(line)
        ]

    @cached_property
    def by_line(self) -> list[list[Cell]]:
        """Cells of each line."""
        found: list[list[Cell]] = [[] for _ in self.lines]
        for cell in self.cells:
            found[cell.line].append(cell)
        return found

    def line_at(self, position: int) -> int:
        """Number of the line that a position lies in."""
        return bisect_right(self._starts, position) - 1

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self.lines]

    @cached_property
    def rows(self) -> list[Row]:
        """Rows `Label: value` and `LABEL   value`."""
        rows: list[Row] = []
        for number, cells in enumerate(self.by_line):
            for index, cell in enumerate(cells):
                following = cells[index + 1] if index + 1 < len(cells) else None
                match = _LABEL.match(cell.text)
                if match and match[2].strip():
                    start = cell.start + match.start(2)
                    rows.append(self._row(match[1], start, cell.end, cell, number, index))
                elif match and following:
                    rows.append(
                        self._row(
                            match[1],
                            following.start + _colon(following.text),
                            following.end,
                            following,
                            number,
                            index + 1,
                        )
                    )
                elif match:
                    rows.append(self._section(match[1], number))
                elif following and _short(cell.text):
                    rows.append(
                        self._row(
                            cell.text,
                            following.start + _colon(following.text),
                            following.end,
                            following,
                            number,
                            index + 1,
                        )
                    )
                elif len(cells) == 1 and cell.text.isupper() and _short(cell.text):
                    rows.append(self._section(cell.text, number))
        return [row for row in rows if row.value.strip()]

    def _row(self, label: str, start: int, end: int, cell: Cell, number: int, index: int) -> Row:
        """Extend the value by cells right of it without label, and by indented lines below."""
        cells = self.by_line[number]
        for right in cells[index + 1 :]:
            if _LABEL.match(right.text) or _short(right.text):
                break
            end = right.end
        if cells[-1].end <= end:
            for below in self.by_line[number + 1 : number + 8]:
                if not below or below[0].column < max(3, cell.column - 3):
                    break
                if _LABEL.match(below[0].text) and below[0].column < cell.column:
                    break
                end = below[-1].end
        return Row(_clean(label), self.text[start:end], start, number)

    def _section(self, label: str, number: int) -> Row:
        start = end = self.lines[number][0] + len(self.lines[number][1])
        for line in range(number + 1, min(number + 12, len(self.lines))):
            cells = self.by_line[line]
            heading = len(cells) == 1 and cells[0].text.isupper() and _short(cells[0].text)
            if not cells or heading:
                if end > start:
                    break
                if heading:
                    break
                continue
            if set(cells[0].text) <= set("-=_*"):
                continue
            if end == start:
                start = cells[0].start
            end = cells[-1].end
        return Row(_clean(label), self.text[start:end], start, number)

    @cached_property
    def sentences(self) -> list[Sentence]:
        """Sentences; prose runs over line ends, forms and bullets do not."""
        found: list[Sentence] = []
        for start, end, label in self._paragraphs():
            found += _split(self.text[start:end], start, label)
        return found

    @cached_property
    def lowered(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    @cached_property
    def sentence_starts(self) -> list[int]:
        """Start of each sentence, for bisection."""
        return [sentence.start for sentence in self.sentences]

    def _paragraphs(self) -> list[tuple[int, int, str]]:
        parts: list[tuple[int, int, str]] = []
        label, heading, column = "", "", 0
        for number, (start, line) in enumerate(self.lines):
            cells = self.by_line[number]
            if not cells or set(line.strip()) <= set("-=_*+|"):
                label, heading = (label, heading) if cells else ("", "")
                parts.append((start, start, ""))
                continue
            new = _new_label(cells)
            if new or (cells[0].column < column and not self._continues(number, cells)):
                label = heading
            own = new
            if own and heading and not _LABEL.match(cells[0].text):
                own = heading
            if own or _BULLET.match(line) or _gapped(cells) or cells[0].text in self._headings:
                parts.append((start, start, ""))
            if own:
                label, column = own, max(1, cells[0].column + 1)
            elif len(cells) == 1 and cells[0].text in self._headings:
                label, heading, column = _clean(cells[0].text), _clean(cells[0].text), 0
            if _gapped(cells):
                parts += [(c.start, c.end, _new_label([c]) or label) for c in cells]
                parts.append((start, start, ""))
            elif (
                self._continues(number, cells)
                and parts
                and parts[-1][1] > parts[-1][0]
                and parts[-1][2] == label
            ):
                parts[-1] = (parts[-1][0], cells[-1].end, label)
            else:
                parts.append((cells[0].start, cells[-1].end, label))
        return [part for part in parts if part[1] > part[0]]

    @cached_property
    def _width(self) -> int:
        lengths = sorted(len(line.rstrip()) for _, line in self.lines if line.strip())
        return lengths[-1 - len(lengths) // 12] if lengths else 0

    def _continues(self, number: int, cells: list[Cell]) -> bool:
        """The line above was full: this line's first word would not have fitted into it."""
        above = len(self.lines[number - 1][1].rstrip())
        word = len(cells[0].text.split()[0])
        lower = cells[0].text[0].islower() or self.lines[number - 1][1].rstrip().endswith(",")
        return above + word + (2 if lower else 14) > self._width or lower

    @cached_property
    def _headings(self) -> frozenset[str]:
        found = set()
        for number, cells in enumerate(self.by_line):
            if len(cells) != 1 or not _short(cells[0].text):
                continue
            below = self.lines[number + 1][1].strip() if number + 1 < len(self.lines) else ""
            underlined = bool(below) and set(below) <= set("-=_")
            if underlined or cells[0].text.isupper() or cells[0].text.endswith(":"):
                found.add(cells[0].text)
        return frozenset(found)


def _split(text: str, start: int, label: str) -> list[Sentence]:
    found, begin = [], 0
    for match in re.finditer(r"[.!?](?=\s+[^\sa-zäöüéèà(])|\s\+(?=[\s,.])", text):
        if _ORDINAL.match(text[match.end() :]) and text[match.start() - 1].isdigit():
            continue
        if match[0] == "." and _ABBREVIATION.search(text[max(0, match.end() - 9) : match.end()]):
            continue
        found.append((begin, match.end()))
        begin = match.end()
    found.append((begin, len(text)))
    sentences = []
    for left, right in found:
        piece = text[left:right]
        inner = len(piece) - len(piece.lstrip())
        if piece.strip():
            sentences.append(Sentence(piece.strip(), start + left + inner, label))
    return sentences


def _colon(text: str) -> int:
    return len(text) - len(text.lstrip(": ")) if text.startswith(":") else 0


def _short(text: str) -> bool:
    return len(text) <= 30 and len(text.split()) <= 4 and not any(c.isdigit() for c in text[:3])


def _clean(label: str) -> str:
    label = re.split(r"(?<=\w\w)\.\s", label)[-1]
    return re.sub(r"\s+", " ", _BULLET.sub("", label)).strip(" .:-").lower()


def _new_label(cells: list[Cell]) -> str:
    match = _LABEL.match(cells[0].text)
    if match and len(match[1].split()) <= 4 and not re.search(r"\w\w\.\s", match[1]):
        return _clean(match[1])
    if len(cells) > 1 and _short(cells[0].text) and cells[1].column - cells[0].column >= 2:
        return _clean(cells[0].text)
    return ""


def _gapped(cells: list[Cell]) -> bool:
    return len(cells) > 1
