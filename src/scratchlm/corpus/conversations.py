"""Conversations and preference pairs for a corpus: from its text, or from files.

Built ones come in three kinds that every later figure keeps apart:

- asked: questions that the chat model is trained on; some, flagged `test_asked`,
  are put to it again;
- unasked: about objects whose text pretraining read, but that are never asked;
- heldout: about objects of documents that no stage has seen.

No answer of an unasked or held-out question is also, or nearly, the answer to a
question that is trained on. What a person brings in a file is of kind `given`.
"""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.corpus.chat_files import read_conversations, read_preferences
from scratchlm.corpus.chat_items import (
    Item,
    Message,
    Row,
    Unit,
    answer_key,
    pair_units,
    seeded_order,
)
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.document import Document
from scratchlm.corpus.near_answers import NEAR, AnswerIndex
from scratchlm.corpus.passages import passage_items
from scratchlm.corpus.preferences import Side, build_preferences
from scratchlm.corpus.questions import signature_items
from scratchlm.corpus.signatures import Signature, read_signatures

MAX_TEST_ASKED = 300
MAX_UNASKED = 500
MAX_HELDOUT = 400
MAX_REPEATS = 2
"""How often one answer may be trained on, so that no phrase answers everything."""


@dataclass(frozen=True, slots=True)
class ChatRows:
    """What `build_chat_rows` made: rows sorted by id, and notes for the receipt."""

    conversations: list[Row]
    preferences: list[Row]
    notes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which units are asked, which never are, which are held out, what was left.

    No tested answer shares `near` or more of its words with a trained one.
    """

    asked: list[Unit]
    unasked: list[Unit]
    heldout: list[Unit]
    dropped: dict[str, int]
    near: float


def build_chat_rows(
    config: CorpusConfig, train: Sequence[Document], heldout: Sequence[Document]
) -> ChatRows:
    """Build what the chat stages learn from and are tested on.

    Files that the config names replace what would be built from the documents.

    Raises:
        UserError: a named file holds nothing usable, or the text is too small to
            ask anything about.
    """
    conversations: list[Row] = []
    preferences: list[Row] = []
    notes: dict[str, Any] = {"synthetic": False}
    if config.chat is None or config.preferences is None:
        built = _build_from_documents(config, train, heldout)
        conversations, preferences = built.conversations, built.preferences
        notes.update(built.notes)
    if config.chat is not None:
        conversations, notes["chat_file"] = read_conversations(
            Path(config.chat), config.seed, config.max_conversations
        )
    if config.preferences is not None:
        preferences, notes["preferences_file"] = read_preferences(
            Path(config.preferences), config.seed
        )
    notes["conversations"] = _count(conversations, ("split", "kind"))
    notes["forms"] = _count(conversations, ("kind", "form"))
    notes["preferences"] = _count(preferences, ("split", "kind"))
    notes["asked_and_tested"] = sum("test_asked" in row for row in conversations)
    return ChatRows(conversations, preferences, notes)


def select_items(
    train: Sequence[Item], heldout: Sequence[Item], seed: int, max_asked: int
) -> Selection:
    """Choose what is asked, what never is, and what of the held-out side.

    Whole units go to one kind, so that both answers of a hard pair were trained on
    or neither was. What has nearly the answer of another item is always asked.
    """
    alone, index = _without_twins(train)
    units = _shuffled(seed, "unasked", pair_units(alone))
    unasked, rest = _take(units, min(MAX_UNASKED, len(alone) // 6))
    alike = _limit_repeats(train, {item.about for item in alone}, seed)
    asked, _ = _take(_shuffled(seed, "asked", [*rest, *alike]), max_asked)
    fresh = _fresh(heldout, index, seed)
    held, _ = _take(_shuffled(seed, "heldout", pair_units(fresh)), MAX_HELDOUT)
    dropped = {
        "answer of more than two objects": len(train) - len(alone) - len(alike),
        "held-out answer that is nearly one of the training text, or stands twice": (
            len(heldout) - len(fresh)
        ),
        "beyond max_conversations": _size(rest) + len(alike) - _size(asked),
        "beyond the held-out questions needed": len(fresh) - _size(held),
    }
    return Selection(asked, unasked, held, dropped, index.near)


def read_modules(documents: Sequence[Document]) -> tuple[list[Signature], list[str]]:
    """Read the signatures of all documents that are modules.

    Returns them sorted by name, and the modules that this Python cannot parse.
    """
    found: dict[str, Signature] = {}
    failed = []
    for document in sorted(documents, key=lambda document: document.id):
        module = document.metadata.get("module")
        if not isinstance(module, str):
            continue
        try:
            for signature in read_signatures(module, document.text):
                found.setdefault(signature.dotted, signature)
        except SyntaxError:
            failed.append(module)
    return [found[name] for name in sorted(found)], failed


def _build_from_documents(
    config: CorpusConfig, train: Sequence[Document], heldout: Sequence[Document]
) -> ChatRows:
    notes: dict[str, Any] = {"synthetic": config.source == "files"}
    if config.source == "stdlib":
        read, failed = read_modules(train)
        held, failed_held = read_modules(heldout)
        items, held_items = signature_items(read), signature_items(held)
        notes["modules_not_parsed"] = failed + failed_held
    else:
        limit = config.max_conversations + 2 * MAX_UNASKED
        items = passage_items(train, config.seed, limit)
        held_items = passage_items(heldout, config.seed, 2 * MAX_HELDOUT)
    selection = select_items(items, held_items, config.seed, config.max_conversations)
    if not selection.asked:
        raise UserError(
            "no conversations can be built from this text: it has too few sentences; "
            "give more text, or a file of conversations with --chat"
        )
    notes["asked_about"] = _size(selection.asked)
    notes["dropped"] = selection.dropped
    notes["tested_words_in_common_below"] = selection.near
    return ChatRows(*_rows(config, selection), notes)


def _rows(config: CorpusConfig, selection: Selection) -> tuple[list[Row], list[Row]]:
    kinds = {"unasked": selection.unasked, "heldout": selection.heldout}
    origins = {
        item.about: kind
        for kind, units in {"asked": selection.asked, **kinds}.items()
        for item in chain.from_iterable(units)
    }
    conversations = _asked_rows(config, selection.asked)
    for kind, units in kinds.items():
        items = seeded_order(
            config.seed, "rows", chain.from_iterable(units), lambda item: item.about
        )
        for i, item in enumerate(items):
            form = _forms(config.seed, item)[0]
            conversations.append(_row(kind, "test", i, item, form))
    prompts = {  # the first form of each item
        row["about"]: row["messages"][0]["content"] for row in reversed(conversations)
    }
    test = [*selection.unasked, *selection.heldout]
    preferences = build_preferences(
        Side("train", selection.asked, prompts, origins, config.seed),
        Side("test", test, prompts, origins, config.seed),
    )
    return sorted(conversations, key=lambda row: str(row["id"])), preferences


def _asked_rows(config: CorpusConfig, units: Sequence[Unit]) -> list[Row]:
    """Ask about every item once, then again in a second form while there is room."""
    items = seeded_order(
        config.seed, "rows", chain.from_iterable(units), lambda item: item.about
    )
    questions = [
        (item, forms[turn])
        for turn in (0, 1)
        for item in items
        if len(forms := _forms(config.seed, item)) > turn
    ][: config.max_conversations]
    rows = [
        _row("asked", "train", i, *question) for i, question in enumerate(questions)
    ]
    first = rows[: len(items)]
    for row in seeded_order(
        config.seed, "test_asked", first, lambda r: str(r["about"])
    )[:MAX_TEST_ASKED]:
        row["test_asked"] = True
    return rows


def _row(kind: str, split: str, i: int, item: Item, form: str) -> Row:
    messages: list[Message] = [
        {"role": "user", "content": item.prompts[form]},
        {"role": "assistant", "content": item.answer},
    ]
    return {
        "id": f"{kind}-{i:05d}-{item.about}",
        "kind": kind,
        "split": split,
        "form": form,
        "about": item.about,
        "messages": messages,
        "reference": item.answer,
    }


def _forms(seed: int, item: Item) -> list[str]:
    return seeded_order(seed, "form", item.prompts, lambda form: item.about + form)


def _shuffled(seed: int, purpose: str, units: Sequence[Unit]) -> list[Unit]:
    return seeded_order(seed, purpose, units, lambda unit: unit[0].about)


def _take(units: Sequence[Unit], n_items: int) -> tuple[list[Unit], list[Unit]]:
    """The first units that hold at most `n_items`, and the others."""
    taken: list[Unit] = []
    others: list[Unit] = []
    room = n_items
    for unit in units:
        fits = len(unit) <= room
        (taken if fits else others).append(unit)
        room -= len(unit) if fits else 0
    return taken, others


def _without_twins(items: Sequence[Item]) -> tuple[list[Item], AnswerIndex]:
    """Items with nearly nobody else's answer.

    In text made from a template most sentences are nearly the same; there only
    those of exactly the same words count as twins.
    """
    for near in (NEAR, 1.0):
        index = AnswerIndex([item.answer for item in items], near)
        alone = [
            item for i, item in enumerate(items) if not index.has_near(item.answer, i)
        ]
        if 2 * len(alone) >= len(items):
            break
    return alone, index


def _limit_repeats(items: Sequence[Item], but: Set[str], seed: int) -> list[Unit]:
    """Other items than `but`, at most `MAX_REPEATS` with one answer."""
    seen: Counter[str] = Counter()
    units: list[Unit] = []
    for item in seeded_order(seed, "repeated", items, lambda item: item.about):
        key = answer_key(item.answer)
        seen[key] += 1
        if item.about not in but and seen[key] <= MAX_REPEATS:
            units.append((item,))
    return units


def _fresh(items: Sequence[Item], known: AnswerIndex, seed: int) -> list[Item]:
    """Items whose answer is not nearly a known one, nor that of an earlier item."""
    seen: set[str] = set()
    fresh = []
    for item in seeded_order(seed, "fresh", items, lambda item: item.about):
        key = answer_key(item.answer)
        if key not in seen and not known.has_near(item.answer):
            seen.add(key)
            fresh.append(item)
    return fresh


def _size(units: Sequence[Unit]) -> int:
    return sum(len(unit) for unit in units)


def _count(rows: Sequence[Row], fields: tuple[str, str]) -> dict[str, int]:
    counts = Counter(" ".join(str(row.get(field)) for field in fields) for row in rows)
    return dict(sorted(counts.items()))
