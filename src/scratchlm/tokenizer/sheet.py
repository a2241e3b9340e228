"""A sheet: a title, words, tables and drawings, for the terminal, the web and programs.

    sheet.as_text()       lines of at most 80 columns, no control codes
    sheet.as_markdown()   tables as GitHub reads them, drawings left out
    sheet.as_html()       one self-contained page, no script, no network
    sheet.data            the same figures as a JSON value

`write_sheet` takes the form from the file's name.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from scratchlm.base import page
from scratchlm.base.atomic import write_json, write_text
from scratchlm.base.errors import UserError
from scratchlm.base.svg import Row, standalone_svg

WIDTH = 80
FORMS = (".html", ".md", ".json", ".svg")
_LEAST_COLUMN = 16
_LABEL = 18  # characters that a dot plot has room for


@dataclass(frozen=True)
class Table:
    """Rows of cells that are texts already; columns in `right` are set flush right."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """An SVG element, and what it shows."""

    title: str
    svg: str


Block = str | Table | Drawing


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Sheet:
    """What a command found, in every form."""

    title: str
    sections: tuple[Section, ...]
    data: dict[str, Any] = field(default_factory=dict)

    def as_text(self) -> str:
        """Lines for a terminal."""
        parts = [self.title]
        for section in self.sections:
            parts += ["", section.heading, "-" * display_width(section.heading)]
            for block in section.blocks:
                if not isinstance(block, Drawing):
                    parts += _text_lines(block)
        return "\n".join(parts) + "\n"

    def as_markdown(self) -> str:
        """The same for a page of Markdown."""
        parts = [f"# {self.title}"]
        for section in self.sections:
            parts.append(f"## {section.heading}")
            for block in section.blocks:
                if isinstance(block, Table):
                    parts += [f"{block.caption}:", markdown_table(block)]
                elif isinstance(block, str):
                    parts.append(block)
        return "\n\n".join(parts) + "\n"

    def as_html(self) -> str:
        """The same as one page that needs nothing else."""
        anchors = [
            (f"part-{number}", section.heading)
            for number, section in enumerate(self.sections, 1)
        ]
        body = "\n".join(
            page.section(anchor, section.heading, *map(_html, section.blocks))
            for (anchor, _), section in zip(anchors, self.sections, strict=True)
        )
        return page.page(self.title, anchors, body)

    @property
    def drawings(self) -> list[Drawing]:
        """The drawings of all sections."""
        blocks = [block for section in self.sections for block in section.blocks]
        return [block for block in blocks if isinstance(block, Drawing)]


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Write a sheet in the form that the file's name asks for.

    Raises:
        UserError: a name that asks for none, or for a drawing where there is none.
    """
    check_form(path)
    if path.suffix == ".json":
        write_json(path, sheet.data)
    elif path.suffix == ".svg":
        if not sheet.drawings:
            raise UserError(f"there is nothing to draw: name {path.stem}.html instead")
        write_text(path, standalone_svg(sheet.drawings[0].svg))
    elif path.suffix == ".html":
        write_text(path, sheet.as_html())
    else:
        write_text(path, sheet.as_markdown())


def check_form(path: Path) -> None:
    """Refuse a file name before the work is done, not after.

    Raises:
        UserError: its ending is none of `FORMS`.
    """
    if path.suffix not in FORMS:
        known = ", ".join(FORMS)
        raise UserError(f"{path} names no form that can be written; end it in {known}")


def table_lines(table: Table, width: int = WIDTH) -> list[str]:
    """A table for a terminal; a last column that is too wide is wrapped."""
    rows = [table.headers, *table.rows]
    widths = [max(display_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            _pad(cell, size, i in table.right)
            for i, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        head = "  ".join([*cells[:-1], ""])
        room = max(width - display_width(head), _LEAST_COLUMN)
        fits = display_width(cells[-1]) <= room
        wrapped = [cells[-1]] if fits else wrap_cells(row[-1], room)
        lines.append((head + wrapped[0]).rstrip())
        lines += [" " * display_width(head) + line for line in wrapped[1:]]
    return lines


def markdown_table(table: Table) -> str:
    """A table as GitHub reads it."""
    rule = ["--:" if i in table.right else "---" for i in range(len(table.headers))]
    lines = [table.headers, rule, *table.rows]
    return "\n".join(
        "| "
        + " | ".join(_keep_spaces(cell.replace("|", "\\|")) for cell in cells)
        + " |"
        for cells in lines
    )


def display_width(text: str) -> int:
    """Columns that a text takes: two for the wide characters of East Asia."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def wrap_cells(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width` columns, at spaces where it can."""
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if display_width(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _cut(word, width)
        lines += full
    return [*lines, line]


def show_token(token: bytes) -> str:
    r"""A token as a person can read it: 'the' in quotes, or b'\xe4\xb8' if no text."""
    try:
        return repr(token.decode())
    except UnicodeDecodeError:
        return repr(token)


def decimal(value: float | None, digits: int = 2) -> str:
    """A figure for a cell; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def interval(value: Mapping[str, Any], digits: int = 2) -> str:
    """`3.10 to 3.25`; a dash where one document gives no interval."""
    if value["low"] is None or value["high"] is None:
        return "–"
    return f"{value['low']:.{digits}f} to {value['high']:.{digits}f}"


def dot(label: str, value: Mapping[str, Any], colour: int = 0) -> Row:
    """A row of a dot plot from a value with its interval."""
    return Row(label[:_LABEL], value["value"], value["low"], value["high"], colour)


def _cut(word: str, width: int) -> list[str]:
    parts = [""]
    for character in word:
        if display_width(parts[-1] + character) > width:
            parts.append("")
        parts[-1] += character
    return parts


def _pad(cell: str, width: int, right: bool) -> str:
    space = " " * (width - display_width(cell))
    return space + cell if right else cell + space


def _text_lines(block: str | Table) -> list[str]:
    if isinstance(block, str):
        return textwrap.wrap(block, WIDTH) or [""]
    return [f"{block.caption}:", *table_lines(block), ""]


def _html(block: Block) -> str:
    if isinstance(block, str):
        return page.paragraph(block)
    if isinstance(block, Drawing):
        return page.figure(block.title, block.svg)
    rows = [[_keep_spaces(cell) for cell in row] for row in block.rows]
    return page.table(block.headers, rows, block.caption, block.right)


def _keep_spaces(cell: str) -> str:
    return cell.replace("  ", "\u00a0\u00a0")
