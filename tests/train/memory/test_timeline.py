"""The simulated timeline: queues in order, nothing too early, and what next-use order is worth."""

from itertools import pairwise

import pytest

from jaxfake.train.memory import timeline
from jaxfake.train.memory.timeline import QUEUES, Iteration, simulate

BLOCKS, GROUPS = 4, 4


def _work(copy: float = 0.5, store: float = 0.0) -> Iteration:
    return Iteration(
        forward=(1.0,) * BLOCKS,
        backward=(2.0,) * BLOCKS,
        update=(0.1,) * GROUPS,
        into=(copy,) * GROUPS,
        back=(copy,) * GROUPS,
        group_of=tuple(range(GROUPS)),
        stores=(store,) * BLOCKS,
        loads=(store,) * BLOCKS,
    )


@pytest.mark.parametrize("order", ["next use", "naive"])
def test_nothing_runs_twice_at_once_or_before_what_it_needs(order: timeline.Order) -> None:
    line = simulate(_work(store=0.3), 3, order)
    ends = {span.task.name: span.end for span in line.spans}
    assert len(ends) == len(line.spans)
    for queue in QUEUES:
        spans = [span for span in line.spans if span.task.queue == queue]
        for one, after in pairwise(spans):
            assert one.end <= after.start + 1e-12
    for span in line.spans:
        assert all(ends[name] <= span.start + 1e-12 for name in span.task.needs)


def test_next_use_order_hides_what_the_naive_order_waits_for() -> None:
    ahead, naive = (simulate(_work(), 3, order) for order in ("next use", "naive"))
    computing = BLOCKS * 3.0 + GROUPS * 0.1
    assert computing <= ahead.per_iteration < naive.per_iteration
    assert naive.overlap < ahead.overlap <= 1.0
    assert naive.per_iteration == pytest.approx(computing + 2 * GROUPS * 0.5)


def test_copies_of_an_update_that_fit_beside_the_computation_cost_nothing() -> None:
    line = simulate(_work(copy=0.01), 3, "next use")
    assert line.per_iteration == pytest.approx(BLOCKS * 3.0 + GROUPS * 0.1, rel=0.01)


def test_offloaded_activations_are_waited_for() -> None:
    """Loads of all blocks, and stores of all but the last, which nothing waits for."""
    without, stored = (simulate(_work(0.0, store), 3, "next use") for store in (0.0, 0.2))
    waited = stored.per_iteration - without.per_iteration
    assert waited == pytest.approx((2 * BLOCKS - 1) * 0.2)


def test_without_copies_everything_overlaps_by_definition() -> None:
    assert simulate(_work(copy=0.0), 2, "next use").overlap == 1.0
