"""Work in threads whose results come in the order of what they were made from.

Threads suffice where the work is C that lets the interpreter's lock go: encoding,
reading Parquet, hashing, copying. How many there are changes no result.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def map_in_order(
    function: Callable[[Item], Made],
    items: Iterable[Item],
    threads: int,
    ahead: int = 2,
) -> Generator[Made, None, None]:
    """Apply a function to items that may have no end.

    Args:
        function: called in one of the threads, for several items at a time.
        items: drawn only as fast as results are taken.
        threads: 0 does everything in the caller's thread, when a result is asked for.
        ahead: results that may wait beside those that the threads work on.

    Yields:
        Results in the order of the items; at most `threads + ahead` are in work or
        wait. What the function raises is raised here, and what waits is given up.
    """
    if threads == 0:
        yield from map(function, items)
        return
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > threads + ahead - 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
