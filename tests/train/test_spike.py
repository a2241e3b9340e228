from scratchlm.train.spike import FEWEST_STEPS, THRESHOLD, SpikeWatch


def noisy(n):
    """Losses around 2 whose median deviation is 0.01."""
    return [2 + 0.01 * (i % 5 - 2) for i in range(n)]


def watched(losses):
    watch = SpikeWatch()
    return watch, [watch.observe(loss) for loss in losses]


def test_ordinary_losses_are_no_spikes():
    assert set(watched(noisy(200))[1]) == {None}


def test_a_loss_that_stands_out_is_scored_in_deviations():
    watch, _ = watched(noisy(100))
    # median 2, median deviation 0.01, standard deviation 0.014826
    assert abs(watch.score(2.1) - 0.1 / 0.014826) < 1e-6
    score = watch.observe(2.1)
    assert score is not None and score > THRESHOLD
    assert watch.observe(2.08) is None


def test_a_fall_is_no_spike():
    assert watched(noisy(100))[0].observe(0.5) is None


def test_the_first_losses_are_not_judged():
    watch, found = watched([9.0, 1.0] * (FEWEST_STEPS // 2))
    assert set(found) == {None}
    assert watch.observe(1e6) is not None


def test_a_spike_does_not_hide_the_next_one():
    watch, _ = watched(noisy(40))
    assert all(watch.observe(3.0) is not None for _ in range(200))


def test_after_a_spike_the_old_level_is_ordinary():
    watch, _ = watched(noisy(40))
    watch.observe(9.0)
    assert watch.observe(2.0) is None


def test_losses_that_never_move_do_not_divide_by_zero():
    watch, _ = watched([2.0] * 50)
    assert watch.observe(2.001) is None
    assert watch.observe(2.5) is not None


def test_a_slow_rise_moves_the_level():
    losses = [2 + 0.01 * (i % 5) + 0.001 * i for i in range(500)]
    assert set(watched(losses)[1]) == {None}
