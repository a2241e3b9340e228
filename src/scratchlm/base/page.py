"""The page that a report is written on: HTML pieces, one style sheet, no network.

Everything that comes from files or from a model passes through `esc`; the pieces here
are the only place where markup is made. The page reads in the system's font at 70
characters a line, follows the reader's light or dark setting, works at 360 px, on
paper, by keyboard and by ear.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from scratchlm.base.svg_parts import STYLE as CHART_STYLE

MAX_TABLE_ROWS = 400
_UNBROKEN_CHARACTERS = 14

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

PAGE_STYLE = """
:root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--faint:#5c5c5c;--line:#ddd;
--soft:#f5f5f2;--accent:#0072b2}
@media (prefers-color-scheme:dark){:root{--ink:#eee;--paper:#16181c;--faint:#aaa;
--line:#444;--soft:#21242a;--accent:#56b4e9}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:72ch;background:var(--paper);
color:var(--ink);font:1rem/1.55 system-ui,sans-serif;
font-variant-numeric:tabular-nums;overflow-wrap:break-word}
h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.3rem;margin:2.5rem 0 .5rem;border-top:1px solid var(--line);
padding-top:1rem}
h3{font-size:1.05rem;margin:1.5rem 0 .3rem}
a{color:var(--accent)}
a:focus-visible,summary:focus-visible,.scroll:focus-visible,pre:focus-visible{
outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
nav ul{padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1rem}
figure{margin:1.2rem 0}figcaption{font-weight:600;margin-bottom:.4rem}
svg.chart{width:100%;height:auto;display:block}
.scroll{overflow-x:auto}
table{border-collapse:collapse;margin:.5rem 0;font-size:.92rem}
caption{text-align:left;color:var(--faint);padding-bottom:.2rem}
th,td{text-align:left;padding:.25rem .8rem .25rem 0;vertical-align:top;
border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right;white-space:nowrap}td.w{white-space:nowrap}
summary{cursor:pointer;color:var(--accent);padding:.2rem 0}
pre{background:var(--soft);padding:.7rem;overflow-x:auto;white-space:pre-wrap;
font:.85rem/1.45 ui-monospace,monospace;margin:.4rem 0}
code{font-family:ui-monospace,monospace;font-size:.92em}
.faint{color:var(--faint)}
blockquote{margin:.6rem 0;padding:.1rem 0 .1rem .8rem;border-left:3px solid var(--line)}
blockquote p{margin:.15rem 0}
@media print{:root{--ink:#000;--paper:#fff;--faint:#444;--line:#ccc;--soft:#fff;
--accent:#000}body{max-width:none;font-size:10pt}nav,.skip{display:none}
figure,table,blockquote{break-inside:avoid}.scroll{overflow:visible}}
"""


def esc(value: object) -> str:
    """Text from anywhere as harmless HTML; control characters become visible."""
    return escape(_CONTROL.sub("\ufffd", str(value)), quote=True)


def page(title: str, contents: Sequence[tuple[str, str]], body: str) -> str:
    """A whole page; ``contents`` are (anchor, heading) of the sections."""
    links = "".join(f'<li><a href="#{a}">{esc(h)}</a></li>' for a, h in contents)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{esc(title)}</title>\n<style>{PAGE_STYLE}{CHART_STYLE}</style>\n"
        '</head>\n<body>\n<a class="skip" href="#main">Skip to the report</a>\n'
        f"<header><h1>{esc(title)}</h1></header>\n"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n'
        f'<main id="main">\n{body}\n</main>\n</body>\n</html>\n'
    )


def section(anchor: str, heading: str, *parts: str) -> str:
    """A section with its heading."""
    content = "\n".join(part for part in parts if part)
    return (
        f'<section aria-labelledby="{anchor}">\n<h2 id="{anchor}">{esc(heading)}</h2>\n'
        f"{content}\n</section>"
    )


def heading(text: str) -> str:
    """A heading within a section."""
    return f"<h3>{esc(text)}</h3>"


def paragraph(text: str, faint: bool = False) -> str:
    """A paragraph of plain text."""
    kind = ' class="faint"' if faint else ""
    return f"<p{kind}>{esc(text)}</p>"


def code(text: str) -> str:
    """A block of code or of a model's words, wrapped as needed."""
    return f'<pre tabindex="0">{esc(text)}</pre>'


def details(summary: str, body: str) -> str:
    """Something to open."""
    return f"<details><summary>{esc(summary)}</summary>{body}</details>"


def figure(title: str, drawing: str, *below: str) -> str:
    """A chart with what it shows as its title, and its numbers below."""
    return (
        f"<figure><figcaption>{esc(title)}</figcaption>{drawing}"
        f"{''.join(below)}</figure>"
    )


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[Any]],
    caption: str = "",
    right: Sequence[int] = (),
) -> str:
    """A table; a column is aligned right if named, or if all its cells are numbers.

    Long tables are thinned evenly to `MAX_TABLE_ROWS`, and say so.
    """
    everything = [list(row) for row in rows]
    shown = _thin_rows(everything)
    if len(shown) < len(everything):
        caption += f" ({len(shown)} of {len(everything)} rows, evenly chosen)"
    numeric = [
        i in right or (bool(shown) and all(_is_number(row[i]) for row in shown))
        for i in range(len(headers))
    ]
    head = "".join(
        f'<th scope="col"{_class(n)}>{esc(h)}</th>'
        for h, n in zip(headers, numeric, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, numeric)}</tr>" for row in shown)
    label = esc(caption or "table")
    title = f"<caption>{esc(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        "</div>"
    )


def facts(pairs: Iterable[tuple[str, Any]]) -> str:
    """Names and values, one a line; values that are absent are left out."""
    rows = "".join(
        f'<tr><th scope="row">{esc(name)}</th><td>{esc(number(value))}</td></tr>'
        for name, value in pairs
        if value is not None and value != ""
    )
    return f'<div class="scroll"><table><tbody>{rows}</tbody></table></div>'


def tree(value: Any) -> str:
    """Any JSON value as nested lists: nothing that a stage says is lost."""
    if isinstance(value, Mapping):
        items = (
            f"<li>{esc(name)}: {tree(inner)}</li>" for name, inner in value.items()
        )
        return f"<ul>{''.join(items)}</ul>" if value else "none"
    if isinstance(value, list | tuple):
        if all(not isinstance(item, Mapping | list | tuple) for item in value):
            return esc(", ".join(number(item) for item in value)) if value else "none"
        return f"<ol>{''.join(f'<li>{tree(item)}</li>' for item in value)}</ol>"
    return esc(number(value))


def number(value: Any, digits: int = 4) -> str:
    """A value for a cell: floats with few digits, absent values as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.{digits}g}" if math.isfinite(value) else "not a number"
    return str(value)


def interval(value: Any, digits: int = 3) -> str:
    """``0.198 (0.181 to 0.215)`` from a mapping with value, low and high."""
    if not isinstance(value, Mapping) or value.get("value") is None:
        return "–"
    text = f"{value['value']:.{digits}f}"
    if value.get("low") is None or value.get("high") is None:
        return text
    return f"{text} ({value['low']:.{digits}f} to {value['high']:.{digits}f})"


def _cells(row: Sequence[Any], numeric: Sequence[bool]) -> str:
    return "".join(
        f"<td{_class(n, cell)}>{esc(number(cell))}</td>"
        for cell, n in zip(row, numeric, strict=True)
    )


def _class(numeric: bool, cell: Any = "") -> str:
    if numeric:
        return ' class="n"'
    short = isinstance(cell, str) and 0 < len(cell) <= _UNBROKEN_CHARACTERS
    return ' class="w"' if short else ""


def _is_number(cell: Any) -> bool:
    return cell is None or (
        isinstance(cell, int | float) and not isinstance(cell, bool)
    )


def _thin_rows(rows: list[list[Any]]) -> list[list[Any]]:
    n = len(rows)
    if n <= MAX_TABLE_ROWS:
        return rows
    last = MAX_TABLE_ROWS - 1
    return [rows[round(i * (n - 1) / last)] for i in range(MAX_TABLE_ROWS)]
