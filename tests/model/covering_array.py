"""A pairwise covering array: few rows in which every pair of values meets."""

import itertools
from collections.abc import Mapping, Sequence

Row = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]


def pairs_of(row: Mapping[str, str]) -> set[Pair]:
    """Every two settings of a row."""
    return set(itertools.combinations(sorted(row.items()), 2))


def all_pairs(factors: Mapping[str, Sequence[str]]) -> set[Pair]:
    """Every two settings of two factors."""
    found = set()
    for one, other in itertools.combinations(sorted(factors), 2):
        both = itertools.product(factors[one], factors[other])
        found |= {((one, a), (other, b)) for a, b in both}
    return found


def covering_array(factors: Mapping[str, Sequence[str]]) -> list[Row]:
    """Rows, chosen greedily, in which every pair of settings stands at least once.

    A row begins with a pair that no row has yet; each further factor takes the value
    that meets most such pairs. The same factors always give the same rows.
    """
    missing, rows = all_pairs(factors), []
    while missing:
        row: Row = dict(min(missing))
        for name in sorted(factors, key=lambda name: -len(factors[name])):
            if name not in row:
                row[name] = max(
                    factors[name],
                    key=lambda value: len(pairs_of({**row, name: value}) & missing),
                )
        missing -= pairs_of(row)
        rows.append({name: row[name] for name in factors})
    return rows
