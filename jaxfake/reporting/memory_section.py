"""The section about a stage's memory plan: the predicted timeline, in next-use order and naively."""

from typing import Any

import matplotlib
from matplotlib.figure import Figure as Canvas

from jaxfake.reporting.figures import STYLE, to_svg
from jaxfake.reporting.html import Figure, Section, svg_source
from jaxfake.train.memory.timeline import QUEUES, Queue, Timeline

_COLOURS: dict[Queue, str] = {"compute": "#0072b2", "to device": "#009e73", "to host": "#d55e00"}


def memory_section(stage: str, plan: str, ahead: Timeline, naive: Timeline) -> Section:
    """What a plan is predicted to do over some iterations.

    Args:
        stage: its name.
        plan: as it is written in a config.
        ahead: in next-use order.
        naive: the last block's update first, each copy waited for.
    """
    steps = [f"{1000 * line.per_iteration:.0f} ms" for line in (ahead, naive)]
    words = (
        f"Predicted for {stage} under '{plan}': {steps[0]} an iteration in next-use order, {steps[1]} in "
        f"naive order. {ahead.overlap:.0%} of the time of copies something is computed beside them, in "
        f"naive order {naive.overlap:.0%}."
    )
    picture = Figure(
        "What is computed and copied when",
        "A simulation, not a measurement. A row is a queue; next-use order above, naive order below.",
        svg_source(timelines(ahead, naive)),
    )
    return Section(f"Memory plan of {stage}", (words,), (picture,))


@matplotlib.rc_context(STYLE)
def timelines(ahead: Timeline, naive: Timeline) -> bytes:
    """Both timelines over one axis of time, as SVG."""
    canvas = Canvas(figsize=(9.0, 3.6), layout="constrained")
    axes: Any = canvas.subplots(2, 1, sharex=True)
    for one, line, title in zip(axes, (ahead, naive), ("next use", "naive"), strict=True):
        for row, queue in enumerate(reversed(QUEUES)):
            spans = [s for s in line.spans if s.task.queue == queue and s.task.seconds]
            bars = [(1000 * s.start, 1000 * (s.end - s.start)) for s in spans]
            one.broken_barh(
                bars, (row - 0.4, 0.8), color=_COLOURS[queue], edgecolor="white", linewidth=0.3
            )
        one.set(yticks=range(len(QUEUES)), yticklabels=list(reversed(QUEUES)))
        one.set_title(title, loc="left", fontsize=10)
    axes[-1].set(xlabel="ms", xlim=(0, None))
    return to_svg(canvas)
