"""A simulated timeline of a device: one queue computes, one copies to the device, one copies to the host.

Each queue does its tasks one after the other, in the order given; a task waits for those that it needs.
That is how a GPU's streams behave, and it shows what overlaps over several iterations: the update of a
group waits for its moments, the next forward pass for the parameters that it uses first, and the copies
back for nobody. In next-use order (AutoHete's priority; Zeng et al., 2503.01890) what is needed first
is ready first. Of the copies of a block's offloaded activations there is only what XLA was seen not to
overlap with the scan's computation, and that is waited for.
"""

from typing import Literal, NamedTuple

Queue = Literal["compute", "to device", "to host"]
QUEUES: tuple[Queue, ...] = ("compute", "to device", "to host")
Order = Literal["next use", "naive"]


class Task(NamedTuple):
    """Something that a queue does."""

    name: str
    queue: Queue
    seconds: float
    needs: tuple[str, ...] = ()


class Span(NamedTuple):
    """A task in its place."""

    task: Task
    start: float
    end: float


class Iteration(NamedTuple):
    """What one iteration does, in seconds.

    Attributes:
        forward, backward: of each block in the order of a forward pass.
        update: of each group of parameters, in next-use order.
        into, back: copies of each group's state to the device and to the host; 0 for what stays.
        group_of: the group that each block's parameters are in.
        stores, loads: what the copies of each block's offloaded activations hold up.
    """

    forward: tuple[float, ...]
    backward: tuple[float, ...]
    update: tuple[float, ...]
    into: tuple[float, ...]
    back: tuple[float, ...]
    group_of: tuple[int, ...]
    stores: tuple[float, ...]
    loads: tuple[float, ...]


class Timeline(NamedTuple):
    """What the queues do."""

    spans: tuple[Span, ...]
    iterations: int

    @property
    def per_iteration(self) -> float:
        """Seconds of an iteration once the first is over."""
        ends = [0.0] * self.iterations
        for span in self.spans:
            number = int(span.task.name.split("/")[0])
            if span.task.queue == "compute":
                ends[number] = max(ends[number], span.end)
        return (ends[-1] - ends[0]) / max(1, self.iterations - 1) if ends[1:] else ends[0]

    @property
    def overlap(self) -> float:
        """Share of the copies' time during which something is computed, 0..1; 1 if nothing is copied."""
        computing = [(s.start, s.end) for s in self.spans if s.task.queue == "compute"]
        copies = [s for s in self.spans if s.task.queue != "compute"]
        total = sum(s.end - s.start for s in copies)
        shared = sum(
            max(0.0, min(copy.end, end) - max(copy.start, start))
            for copy in copies
            for start, end in computing
        )
        return shared / total if total else 1.0


def simulate(work: Iteration, iterations: int, order: Order) -> Timeline:
    """The timeline of some iterations.

    Args:
        order: 'next use' updates the group first that the next forward pass uses first, fetches a group
            while the one before is updated, and lets copies back run under the next iteration; 'naive'
            updates in the order in which gradients arrive, the last block first, and waits for each copy.
    """
    tasks = [task for n in range(iterations) for task in _iteration(work, n, order)]
    return Timeline(_placed(tasks), iterations)


def _iteration(work: Iteration, number: int, order: Order) -> list[Task]:
    tasks = _forward(work, number, order) + _backward(work, number)
    groups = range(len(work.update))
    sequence = groups if order == "next use" else groups[::-1]
    for place, group in enumerate(sequence):
        earlier = [sequence[place - ago] for ago in (1, 2) if place >= ago]
        tasks += _update(work, number, group, earlier, order)
    return tasks


def _forward(work: Iteration, number: int, order: Order) -> list[Task]:
    """An offloaded block is stored before the next block begins."""
    tasks: list[Task] = []
    stored: tuple[str, ...] = ()
    for block, seconds in enumerate(work.forward):
        needs = (*_updated(work, number, order, block), *stored)
        forward = Task(f"{number}/forward {block}", "compute", seconds, needs)
        tasks.append(forward)
        stored = ()
        if work.stores[block]:
            stored = (f"{number}/store {block}",)
            tasks.append(Task(stored[0], "to host", work.stores[block], (forward.name,)))
    return tasks


def _backward(work: Iteration, number: int) -> list[Task]:
    """An offloaded block is fetched when it is its turn."""
    tasks, last = [], len(work.forward) - 1
    for block in range(last, -1, -1):
        before = f"{number}/forward {last}" if block == last else f"{number}/backward {block + 1}"
        needs = (before,)
        if work.loads[block]:
            load = Task(f"{number}/load {block}", "to device", work.loads[block], needs)
            tasks.append(load)
            needs = (load.name,)
        tasks.append(Task(f"{number}/backward {block}", "compute", work.backward[block], needs))
    return tasks


def _update(
    work: Iteration, number: int, group: int, earlier: list[int], order: Order
) -> list[Task]:
    """A group comes, is updated, and goes; `earlier` are the groups before it, the last one first."""
    came, updated, went = (f"{number}/{word} {group}" for word in ("fetch", "update", "return"))
    needs = [f"{number - 1}/return {group}"] if number else []
    if order == "naive":
        needs.append(f"{number}/return {earlier[0]}" if earlier else f"{number}/backward 0")
    elif len(earlier) > 1:  # at most two groups are on the device
        needs.append(f"{number}/update {earlier[1]}")
    return [
        Task(came, "to device", work.into[group], tuple(needs)),
        Task(updated, "compute", work.update[group], (came, f"{number}/backward 0")),
        Task(went, "to host", work.back[group], (updated,)),
    ]


def _updated(work: Iteration, number: int, order: Order, block: int) -> tuple[str, ...]:
    """What the update before must have done when a block is used again."""
    if number == 0:
        return ()
    if order == "naive":
        return (f"{number - 1}/return 0",) if block == 0 else ()
    return (f"{number - 1}/update {work.group_of[block]}",)


def _placed(tasks: list[Task]) -> tuple[Span, ...]:
    free = dict.fromkeys(QUEUES, 0.0)
    ends: dict[str, float] = {}
    spans = []
    for task in tasks:
        ready = max((ends[name] for name in task.needs), default=0.0)
        start = max(free[task.queue], ready)
        free[task.queue] = ends[task.name] = start + task.seconds
        spans.append(Span(task, start, ends[task.name]))
    return tuple(spans)
