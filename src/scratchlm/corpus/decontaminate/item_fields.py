"""From the rows of an evaluation file to items: which fields hold what.

Names are compared in lower case without anything but letters and digits. A row may
hold its items deeper down (`{"data": [{"paragraphs": [{"qas": [...]}]}]}`,
`{"examples": [...]}`): a mapping that holds such mappings is no item itself. A passage
that a question is about is not part of the item.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from scratchlm.corpus.decontaminate.config import DecontaminateConfig

_PROMPTS = """question query prompt input problem goal ctx instruction turns stem
    contextoptions sentence sentencegood sentence1 premise statement text context
    passage document code"""
_CHOICES = """choices options endings distractors mc1targets mc2targets
    incorrectanswers incorrectanswer wronganswers sentencebad sentence2 hypothesis"""
_ANSWERS = """answer answers target targets continuation canonicalsolution solution
    output completion response bestanswer correctanswer correctanswers reference
    correct gold goldlabel label answerkey"""
_IDS = "id taskid questionid qid uid index idx pairid"
PROMPTS, CHOICES, ANSWERS, IDS = (
    tuple(names.split()) for names in (_PROMPTS, _CHOICES, _ANSWERS, _IDS)
)
_NUMBERED = re.compile(r"(choice|option|ending|distractor|sol|incorrectanswer)(\d)")
_LEAD = re.compile(r"^\s*(?:question|problem|passage|q)\s*:\s*", re.IGNORECASE)
_TAIL = re.compile(r"\s*\b(?:answer|a)\s*:\s*$", re.IGNORECASE)
NUMBERS_OF_CHOICES = ("gold", "goldlabel", "label", "answerkey")
LETTERS = "abcdefgh"
DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Item:
    """One evaluation item. `prompts` are its question, seldom in several versions;
    `answers` the right ones; `choices` all there are to choose from.
    """

    task: str
    id: str
    prompts: tuple[str, ...]
    choices: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How the item is called on receipts."""
        return f"{self.task}:{self.id}"


def read_item_rows(
    task: str, rows: Iterator[Any], config: DecontaminateConfig
) -> list[Item]:
    """Items of all rows, called by their own ids if each has one, else by numbers."""
    fields = [row for value in rows for row in _item_rows(value, config)]
    ids = [_own_id(row) for row in fields]
    own = None not in ids and len(set(ids)) == len(ids)
    names = [str(name) for name in (ids if own else range(1, len(ids) + 1))]
    return [
        _item(task, name, row, config) for name, row in zip(names, fields, strict=True)
    ]


def _item_rows(
    value: Any, config: DecontaminateConfig, depth: int = 0
) -> Iterator[dict[str, Any]]:
    """The mappings that are items, with simplified names."""
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        for entry in value:
            yield from _item_rows(entry, config, depth + 1)
    elif isinstance(value, str):
        yield {"text": value}
    elif isinstance(value, dict):
        row = {_simple(str(key)): entry for key, entry in value.items()}
        if isinstance(row.get("question"), dict):  # {"question": {"stem": …}}
            inner = {_simple(str(k)): v for k, v in row.pop("question").items()}
            row = {**row, **inner}
        deeper = [
            found
            for key, entry in row.items()
            if key not in CHOICES + ANSWERS and _holds_mappings(entry)
            for found in _item_rows(entry, config, depth + 1)
        ]
        if deeper:
            yield from deeper
        elif _prompts(row, config):
            yield row


def _item(
    task: str, name: str, row: dict[str, Any], config: DecontaminateConfig
) -> Item:
    labels, choices = _labelled_choices(row, config)
    answers = _answers(row, config, labels, choices)
    return Item(task, name, _prompts(row, config), tuple(choices), answers)


def _prompts(row: dict[str, Any], config: DecontaminateConfig) -> tuple[str, ...]:
    names = (_simple(config.prompt_field),) if config.prompt_field else PROMPTS
    for name in names:
        texts = _texts(row[name]) if name in row else []
        if texts:
            return tuple(_TAIL.sub("", _LEAD.sub("", text)) for text in texts)
    return ()


def _labelled_choices(
    row: dict[str, Any], config: DecontaminateConfig
) -> tuple[list[str], list[str]]:
    """Names of the choices as answers call them, and the choices."""
    names = (_simple(config.choices_field),) if config.choices_field else CHOICES
    labels: list[str] = []
    choices: list[str] = []
    for name in filter(row.__contains__, names):
        found_labels, found = _split_choices(row[name], name)
        labels += found_labels
        choices += found
    lettered = [letter for letter in LETTERS if isinstance(row.get(letter), str)]
    if len(lettered) > 1:
        labels += lettered
        choices += [row[letter] for letter in lettered]
    numbers = [name for name in row if name[-1:].isdecimal()]
    for name in sorted(numbers):
        numbered = _NUMBERED.fullmatch(name)
        if numbered and isinstance(row[name], str | int | float):
            labels.append(numbered[2] if numbered[1] == "option" else "")
            choices.append(str(row[name]))
    return labels, choices


def _split_choices(value: Any, name: str) -> tuple[list[str], list[str]]:
    if isinstance(value, dict):
        texts = _texts(value.get("text", value.get("choices")))
        labels = [str(label).lower() for label in value.get("label", ())]
        return (labels if len(labels) == len(texts) else [""] * len(texts)), texts
    if isinstance(value, str) and "answers" in name:
        value = value.split(";")
    if isinstance(value, list) and value and isinstance(value[0], dict):
        labels = [str(entry.get("label", "")).lower() for entry in value]
        return labels, [str(entry.get("text", "")) for entry in value]
    texts = _texts(value)
    return [""] * len(texts), texts


def _answers(
    row: dict[str, Any],
    config: DecontaminateConfig,
    labels: Sequence[str],
    choices: Sequence[str],
) -> tuple[str, ...]:
    names = ANSWERS
    if config.answer_field:
        names = (_simple(config.answer_field),)
    found: list[str] = []
    for name in filter(row.__contains__, names):
        value = row[name]
        if found and name in NUMBERS_OF_CHOICES and not choices:
            continue
        if isinstance(value, str) and name.endswith("answers"):
            value = value.split(";")
        if isinstance(value, dict):
            value = value.get("text", value.get("value"))
        values = value if isinstance(value, list) else [value]
        for entry in values:
            if isinstance(entry, dict):
                entry = entry.get("text")
            found += _answer(entry, labels, choices)
    return tuple(dict.fromkeys(found))


def _answer(value: Any, labels: Sequence[str], choices: Sequence[str]) -> list[str]:
    """The text of an answer that may be the number or the letter of a choice."""
    if value is None or isinstance(value, dict | list):
        return []
    text = str(value).strip()
    if not text or (choices and text in choices):
        return [text] if text else []
    name = text.lower().strip("().")
    if name in labels:
        return [choices[labels.index(name)]]
    if choices and name.isdecimal() and int(name) < len(choices):
        return [choices[int(name)]]
    if choices and name in LETTERS and LETTERS.index(name) < len(choices):
        return [choices[LETTERS.index(name)]]
    return [text]


def _texts(value: Any) -> list[str]:
    """Strings of a string or a list of strings, those without any text left out."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(isinstance(v, str | int | float) for v in value):
        return [str(entry) for entry in value if str(entry).strip()]
    return []


def _holds_mappings(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and any(isinstance(v, dict | list) for v in value)


def _own_id(row: dict[str, Any]) -> str | None:
    for name in IDS:
        if isinstance(row.get(name), str | int) and str(row[name]).strip():
            return str(row[name])
    return None


@cache
def _simple(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
