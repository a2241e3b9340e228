"""Pack whole examples into rows of equal capacity, with little padding.

Best fit decreasing: the longest example first, each into the row with the least room
that still holds it (Johnson 1974: never more than 11/9 of the optimum, plus one row).
"""

from bisect import bisect_left, insort
from collections.abc import Sequence


def pack_best_fit(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Group examples into rows.

    Args:
        lengths: of each example, 1 … capacity.
        capacity: of a row.

    Returns:
        The indices of the examples of each row; every index stands once. Of examples
        equally long the one that comes first is placed first.
    """
    assert all(0 < length <= capacity for length in lengths)
    rows: list[list[int]] = []
    rooms: list[int] = []  # distinct, sorted: the rooms for which some row is open
    open_rows: dict[int, list[int]] = {}
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        at = bisect_left(rooms, lengths[index])
        if at == len(rooms):
            rows.append([])
            row, room = len(rows) - 1, capacity
        else:
            room = rooms[at]
            row = open_rows[room].pop()
            if not open_rows[room]:
                del rooms[at], open_rows[room]
        rows[row].append(index)
        room -= lengths[index]
        if room not in open_rows:
            open_rows[room] = []
            insort(rooms, room)
        open_rows[room].append(row)
    return rows
