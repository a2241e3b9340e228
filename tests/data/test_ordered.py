"""Laws of work in threads."""

import threading
import time
from itertools import count, islice

import pytest

from scratchlm.data.ordered import map_in_order


@pytest.mark.parametrize("threads", [0, 1, 2, 7])
def test_results_come_in_the_order_of_the_items(threads):
    def slow_for_some(item):
        time.sleep(0.002 if item % 3 == 0 else 0)
        return item * item

    found = list(map_in_order(slow_for_some, range(40), threads))
    assert found == [item * item for item in range(40)]
    assert list(map_in_order(slow_for_some, [], threads)) == []


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_items_without_end_are_drawn_no_further_than_needed(threads):
    drawn = []

    def items():
        for item in count():
            drawn.append(item)
            yield item

    results = map_in_order(str, items(), threads)
    assert list(islice(results, 5)) == ["0", "1", "2", "3", "4"]
    assert len(drawn) <= 5 + threads + 2
    results.close()


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_in_a_thread_is_raised_where_results_are_taken(threads):
    def fail(item):
        if item == 3:
            raise ValueError("three")
        return item

    results = map_in_order(fail, range(10), threads)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


def test_closing_ends_the_threads():
    before = threading.active_count()
    results = map_in_order(str, count(), 3)
    next(results)
    assert threading.active_count() > before
    results.close()
    assert threading.active_count() == before
