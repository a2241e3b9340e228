from hypothesis import given
from hypothesis import strategies as st

from scratchlm.train.batch_schedule import BatchSchedule

STAGES = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=4)


def test_rows_by_hand():
    schedule = BatchSchedule(((2, 8), (1, 16)), 32)
    assert [schedule.rows(step) for step in range(5)] == [8, 8, 16, 32, 32]
    assert [schedule.first_row(step) for step in range(5)] == [0, 8, 16, 32, 64]


def test_without_stages_every_step_is_alike():
    schedule = BatchSchedule((), 4)
    assert [schedule.rows(step) for step in (0, 7)] == [4, 4]
    assert schedule.first_row(7) == 28


@given(STAGES, st.integers(1, 9), st.integers(0, 60))
def test_each_step_begins_where_the_one_before_ended(stages, batch_size, step):
    schedule = BatchSchedule(tuple(stages), batch_size)
    rows = [schedule.rows(before) for before in range(step)]
    assert schedule.first_row(step) == sum(rows)
