"""How much of a text repeats: lines, and n-grams of its words, as Gopher counts them.

"Repeated" is each occurrence after the first. Two measures of n-grams (Rae et al. 2021,
table A1, as FineWeb's filters made them exact):

* the top n-gram, n = 2, 3, 4: words joined by one blank; the characters of the most
  frequent one, the first seen of equals, times its count, be it 1;
* repeated n-grams, n = 5 … 10: from left to right, words joined by *nothing*, so that
  "ab c" is "a bc"; one that was seen before adds its characters, and the search goes on
  behind it; any other is remembered, and the search goes on one word further.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from scratchlm import native
from scratchlm.corpus.filters.words import WordForm, split_words, word_table

TOP_N = (2, 3, 4)
REPEATED_N = (5, 6, 7, 8, 9, 10)
_MOST_NATIVE = 2**29  # characters, of up to four bytes: the C core counts in 32 bits


def repetition_chars(
    text: str, limits: Sequence[float], form: WordForm = "unicode"
) -> list[int]:
    """Characters of the top n-gram times its count for each of `TOP_N`, of repeated
    n-grams for each of `REPEATED_N`: up to the first whose share of the text is over
    its limit. That one is exact; those before it may be bounds from above that are
    within their limits (in C, where it was built).
    """
    if native.core is not None and len(text) < _MOST_NATIVE:
        packed = array("d", limits)
        try:
            return list(native.core.repetition(word_table(form), text, packed))
        except UnicodeEncodeError:  # half a surrogate pair
            pass
    words, found = split_words(text, form), list[int]()
    for n, limit in zip(TOP_N + REPEATED_N, limits, strict=True):
        found.append((top_chars if n in TOP_N else repeated_chars)(words, n))
        if found[-1] / len(text) > limit:
            break
    return found


def top_chars(words: Sequence[str], n: int) -> int:
    """Characters of the most frequent n-gram times its count; 0 where there is none."""
    counts = Counter(zip(*(words[i:] for i in range(n)), strict=False))
    if not counts:
        return 0
    gram = max(counts, key=counts.__getitem__)  # the first of equals
    return (sum(map(len, gram)) + n - 1) * counts[gram]


def repeated_chars(words: Sequence[str], n: int) -> int:
    """Characters of n-grams that were seen before, each word counted once."""
    text, ends = "".join(words), [0, *accumulate(map(len, words))]
    seen: set[str] = set()
    total = at = 0
    while at + n <= len(words):
        gram = text[ends[at] : ends[at + n]]
        if gram in seen:
            total += len(gram)
            at += n
        else:
            seen.add(gram)
            at += 1
    return total


def count_repeated(parts: Sequence[str]) -> tuple[int, int]:
    """How many of the parts occurred before, and the characters of these."""
    once = set(parts)
    return (
        len(parts) - len(once),
        sum(map(len, parts)) - sum(map(len, once)),
    )
