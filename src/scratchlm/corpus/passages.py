"""Questions about a person's own text, made from the text alone.

A document is cut into passages of about a sentence (40 to 160 characters). About a
passage one can ask what follows the text before it, which of two passages follows,
and, where it opens a section, what stands under the heading. Such questions teach
the form of a conversation and the voice of the text, not its meaning: whoever shows
them says that they are synthetic.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from scratchlm.corpus.chat_items import (
    Item,
    answer_key,
    seeded_digest,
    seeded_fraction,
    seeded_order,
)
from scratchlm.corpus.document import Document

MIN_PASSAGE_CHARS = 40
MAX_PASSAGE_CHARS = 160
MAX_CONTEXT_CHARS = 320
MAX_HEADING_CHARS = 60
MIN_ITEMS_PER_DOCUMENT = 4
WINDOW_CHARS_PER_ITEM = 600
"""Of a long document only a window is cut up, large enough to choose from."""

_PARAGRAPH = re.compile(r"\n[ \t\f\r]*\n\s*")
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[^\W\d_a-z])|(?<=[。！？])(?![」』”])\s*"
)
_SENTENCE_CLOSES = re.compile(r"[.!?…。！？][\"'”’)\]*_`」』]*$")
_CLAUSE_END = re.compile(r"[,;:—–，；：、]\s*(?=\S)")
_MARKED_HEADING = re.compile(r"#{1,6}\s+(?P<text>.*?)\s*#*$")
_FENCED = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_UNDERLINE = re.compile(r"[=-]{3,}$")
_ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|St|Prof|Rev|No|vs|etc|e\.g|i\.e|[A-Z])\.$"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """About a sentence, and the heading that stands directly above it, if one does."""

    text: str
    heading: str | None


def passage_items(documents: Sequence[Document], seed: int, limit: int) -> list[Item]:
    """Make what can be asked about up to about `limit` passages of the documents.

    Every document is asked about before any is asked much: of many documents a few
    passages each, of a single book all it has. An answer is off-topic where it comes
    from another document, or from another quarter of a single one.
    """
    share = max(MIN_ITEMS_PER_DOCUMENT, -(-limit // max(1, len(documents))))
    items: list[Item] = []
    for document in seeded_order(seed, "documents", documents, lambda d: d.id):
        if len(items) >= limit:
            break
        items.extend(_document_items(document, seed, share, len(documents) == 1))
    return sorted(items, key=lambda item: item.about)


def split_passages(text: str) -> list[Passage]:
    """Cut a text into passages; headings stand beside the passage they open.

    Long sentences are cut at clause borders, short ones joined to the next; no two
    paragraphs share a passage, and tables and rules are left out.
    """
    passages: list[Passage] = []
    heading: str | None = None
    for title, paragraph in _sections(text):
        heading = title or heading
        for piece in _join_short(_sentences(paragraph)):
            if _is_prose(piece):
                passages.append(Passage(piece, heading))
                heading = None
    return passages


def _document_items(
    document: Document, seed: int, share: int, alone: bool
) -> list[Item]:
    passages = split_passages(_window(document, seed, share))
    sites = [i for i in range(len(passages)) if i or passages[i].heading]
    whole = [i for i in sites if _is_whole(passages[i].text)]
    if 4 * len(whole) >= len(sites):  # prose: answers that end where a sentence does
        sites = whole
    chosen = seeded_order(seed, document.id, sites, str)[:share]
    items = [_item(document, passages, i, seed) for i in chosen]
    if not alone:
        return items
    return [
        replace(item, topic=f"{document.id}#{4 * i // len(passages)}")
        for i, item in zip(chosen, items, strict=True)
    ]


def _window(document: Document, seed: int, share: int) -> str:
    """Enough of a document to choose `share` passages from, at paragraph borders."""
    text, size = document.text, share * WINDOW_CHARS_PER_ITEM
    if len(text) <= 2 * size:
        return text
    at = int(seeded_fraction(seed, "window", document.id) * (len(text) - size))
    start = max(text.rfind("\n\n", 0, at), 0)
    return text[start : max(text.rfind("\n", 0, start + size), start + size // 2)]


def _item(document: Document, passages: Sequence[Passage], i: int, seed: int) -> Item:
    about = f"{document.id}#{i:06d}"
    passage = passages[i]
    prompts: dict[str, str] = {}
    if i > 0:
        before = _context(passages, i)
        prompts["continue"] = f"Continue this passage:\n\n{before}"
        wrong = _distractor(passages, i, seed, about)
        if wrong is not None:
            options = [passage.text, wrong]
            if seeded_fraction(seed, "order", about) < 0.5:
                options.reverse()
            prompts["which"] = (
                f"{before}\n\nWhich passage follows?\n\n- {options[0]}\n- {options[1]}"
            )
    if passage.heading is not None:
        title = document.metadata.get("title")
        name = title if isinstance(title, str) else document.id.rsplit("/", 1)[-1]
        prompts["heading"] = (
            f"What stands under the heading “{passage.heading}” in {name}?"
        )
    return Item(about, document.id, document.id, passage.text, prompts)


def _context(passages: Sequence[Passage], i: int) -> str:
    """The one or two passages before the i-th."""
    before = " ".join(passage.text for passage in passages[max(0, i - 2) : i])
    return before if len(before) <= MAX_CONTEXT_CHARS else passages[i - 1].text


def _distractor(
    passages: Sequence[Passage], i: int, seed: int, about: str
) -> str | None:
    """Another passage of the document, not beside the i-th."""
    far = len(passages) - 3  # how many are neither it nor its neighbours
    if far < 1:
        return None
    step = int.from_bytes(seeded_digest(seed, "wrong", about), "big") % far
    wrong = passages[(i + 2 + step) % len(passages)].text
    return None if answer_key(wrong) == answer_key(passages[i].text) else wrong


def _sections(text: str) -> Iterator[tuple[str | None, str]]:
    """Paragraphs, each with the heading that stands on top of it."""
    blocks = [block.strip() for block in _PARAGRAPH.split(_FENCED.sub("", text))]
    for block, following in zip(blocks, [*blocks[1:], ""], strict=True):
        first, _, rest = block.partition("\n")
        marked = _MARKED_HEADING.match(first.strip())
        underline, _, below = rest.partition("\n")
        if marked:
            yield _title(marked["text"]), rest
        elif _UNDERLINE.match(underline.strip()):
            yield _title(first.strip()), below
        elif not rest and _is_heading(block, following):
            yield _title(block), ""
        else:
            yield None, block


def _title(text: str) -> str | None:
    """A heading worth asking about."""
    short = len(text) <= MAX_HEADING_CHARS and "://" not in text
    return text if short and answer_key(text) else None


def _is_heading(line: str, following: str) -> bool:
    """Whether a paragraph of one short line is the title of a longer one."""
    return (
        0 < len(line) <= MAX_HEADING_CHARS
        and (line[-1].isalnum() or line[-1] in ".)")
        and not line[0].islower()
        and (line[-1] != "." or line.isupper())
        and line[0].isalnum()
        and len(following) >= 2 * MAX_HEADING_CHARS
    )


def _sentences(paragraph: str) -> Iterator[str]:
    """Sentences on one line each, cut where they pass the longest passage."""
    text = " ".join(paragraph.split())
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if not _ABBREVIATION.search(text[max(0, match.start() - 8) : match.start()]):
            yield from _cut_long(text[start : match.end()].strip())
            start = match.end()
    if text[start:]:
        yield from _cut_long(text[start:])


def _cut_long(sentence: str) -> Iterator[str]:
    while len(sentence) > MAX_PASSAGE_CHARS:
        window = sentence[:MAX_PASSAGE_CHARS]
        ends = [match.end() for match in _CLAUSE_END.finditer(window)]
        end = max((e for e in ends if e >= MIN_PASSAGE_CHARS), default=0)
        end = end or window.rfind(" ") + 1 or MAX_PASSAGE_CHARS
        yield sentence[:end].strip()
        sentence = sentence[end:].lstrip()
    if sentence:
        yield sentence


def _join_short(pieces: Iterator[str]) -> Iterator[str]:
    """Join pieces shorter than a passage to the next, if that is not too long."""
    held = ""
    for piece in pieces:
        joined = f"{held} {piece}".strip()
        if held and (len(held) >= MIN_PASSAGE_CHARS or len(joined) > MAX_PASSAGE_CHARS):
            yield held
            joined = piece
        held = joined
    if held:
        yield held


def _is_whole(text: str) -> bool:
    """Whether a passage starts and ends as sentences do."""
    return not text[0].islower() and bool(_SENTENCE_CLOSES.search(text))


def _is_prose(text: str) -> bool:
    if text.startswith("<"):
        return False
    letters = sum(character.isalpha() or character == " " for character in text)
    return letters >= 0.7 * len(text) and len(answer_key(text)) >= 12
