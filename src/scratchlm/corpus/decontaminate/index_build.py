"""Building the index of evaluation items.

Example: 96,000 items of 40 benchmarks, 20 MB of text, take a few seconds.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.grams import (
    LONG,
    SHORT,
    gram_hashes_at,
    gram_hashes_of,
    words_of,
)
from scratchlm.corpus.decontaminate.item_fields import Item
from scratchlm.corpus.decontaminate.item_index import (
    ANSWER,
    CHOICE,
    PROMPT,
    GramIndex,
    ItemIndex,
    Postings,
    postings,
    unique_pairs,
)
from scratchlm.corpus.dedup.words import Hashes, Indices, Words


def build_index(items: Sequence[Item], config: DecontaminateConfig) -> ItemIndex:
    """Make items searchable; the order of the items changes no finding."""
    owners, roles, texts = _parts(items)
    words, edges = words_of([text.encode("utf-8", "replace") for text in texts])
    part_items = np.array(owners, np.int64)
    part_roles = np.array(roles, np.int64)
    same = _same_items(words.hashes, edges, part_items, part_roles, len(items))
    word_items = same[np.repeat(part_items, np.diff(edges))]
    short, long = (
        _grams(n, words.hashes, edges, word_items, config.most_items)
        for n in (SHORT, LONG)
    )
    wholes, whole_parts = _wholes(words, edges, part_items, part_roles, same, config)
    return ItemIndex(
        [(item.task, item.id) for item in items],
        *(config.min_item_words, words, part_items, part_roles, edges),
        *(short, long, wholes, whole_parts),
    )


def _parts(items: Sequence[Item]) -> tuple[list[int], list[int], list[str]]:
    """Of each different text of an item: the item, the text's role, the text."""
    owners, roles, texts = [], [], []
    for number, item in enumerate(items):
        for role, text in _item_parts(item):
            owners.append(number)
            roles.append(role)
            texts.append(text)
    return owners, roles, texts


def _item_parts(item: Item) -> Iterator[tuple[int, str]]:
    right = set(item.answers)
    for prompt in item.prompts:
        yield PROMPT, prompt
    for answer in item.answers:
        yield ANSWER, answer
    for choice in item.choices:
        if choice not in right:
            yield CHOICE, choice


def _same_items(
    words: Hashes, edges: Indices, items: Indices, roles: Indices, n_items: int
) -> Indices:
    """For each item the first one that has the same prompts (I,)."""
    prompts: dict[int, bytes] = {}
    for part in np.flatnonzero(roles == PROMPT).tolist():
        text = words[edges[part] : edges[part + 1]].tobytes()
        item = int(items[part])
        prompts[item] = prompts.get(item, b"") + text + b"|"
    first: dict[bytes, int] = {}
    for item, text in prompts.items():
        first.setdefault(text, item)
    return np.array([first[prompts[item]] for item in range(n_items)], np.int64)


def _grams(
    n: int, words: Hashes, edges: Indices, word_items: Indices, most_items: int
) -> GramIndex:
    total = gram_hashes_of(words, n)
    ends = np.repeat(edges[1:], np.diff(edges))[: len(total)]
    places = np.flatnonzero(np.arange(len(total)) + n <= ends)
    hashes, numbers = np.unique(total[places], return_inverse=True)
    at = np.full(len(words), -1, np.int64)
    at[places] = numbers
    different, _ = unique_pairs(numbers, word_items[places])
    n_items = np.bincount(different, minlength=len(hashes))
    return GramIndex(n, hashes, n_items > most_items, at)


def _wholes(
    words: Words,
    edges: Indices,
    items: Indices,
    roles: Indices,
    same: Indices,
    config: DecontaminateConfig,
) -> tuple[Hashes, Postings]:
    """Prompts short enough to be looked for as a whole, and not shared by many."""
    lengths = np.diff(edges)
    short = (lengths >= config.min_item_words) & (lengths < LONG) & (roles == PROMPT)
    parts = np.flatnonzero(short)
    hashes = whole_hashes(words.hashes, edges[:-1][parts], lengths[parts])
    unique, numbers = np.unique(hashes, return_inverse=True)
    different, _ = unique_pairs(numbers, same[items[parts]])
    n_items = np.bincount(different, minlength=len(unique))
    rare = n_items[numbers] <= config.most_items
    wanted = np.unique(numbers[rare])
    renumbered = np.searchsorted(wanted, numbers[rare])
    return unique[wanted], postings(len(wanted), renumbered, parts[rare])


def whole_hashes(words: Hashes, places: Indices, lengths: Indices) -> Hashes:
    """Hashes of stretches of different lengths, the length included."""
    result = np.zeros(len(places), np.uint64)
    for n in np.unique(lengths).tolist():
        some = lengths == n
        total = gram_hashes_at(words, places[some], n)
        result[some] = total + np.uint64((n * 0x9E3779B97F4A7C15) % 2**64)
    return result
