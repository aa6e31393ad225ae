"""Draws throughput against budget, from what tools/memory_plans.py wrote.

    python tools/memory_curve.py --rows=plans.jsonl --picture=docs/pictures/planner.svg

A panel for each stage: the planner's choice, and each uniform policy in the fewest micro-batches with which
it fits. The largest budget is that in which the plain step just fits.
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import matplotlib
from absl import flags
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxfake.models.remat import POLICIES
from jaxfake.reporting.figures import svg
from jaxfake.runtime import cli
from jaxfake.runtime.files import write_atomically
from jaxfake.train.memory.budget import GIB, HEADROOM

_ROWS = flags.DEFINE_string("rows", None, "File of rows.", required=True)
_PICTURE = flags.DEFINE_string("picture", None, "SVG file to write.", required=True)

_CHOICE = "the planner's choice"
_COLOURS = dict(
    zip(
        (*POLICIES, _CHOICE),
        ("#8c8c8c", "#0072b2", "#009e73", "#e69f00", "#cc79a7", "#d55e00"),
        strict=True,
    )
)

Row = dict[str, Any]
Points = dict[str, dict[float, float]]
"""By name: faces a second by budget in bytes."""


@matplotlib.rc_context({"svg.hashsalt": "jaxfake", "svg.fonttype": "none"})
def main() -> None:
    """Rows in, a picture out."""
    rows = [json.loads(line) for line in Path(_ROWS.value).read_text().splitlines()]
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    figure = Figure(figsize=(4.4 * len(stages), 3.4), layout="constrained")
    panels: Any = figure.subplots(1, len(stages), squeeze=False)[0]
    for axes, stage in zip(panels, stages, strict=True):
        _draw(axes, stage, points([row for row in rows if row["stage"] == stage]))
    panels[0].set_ylabel("faces a second")
    write_atomically(Path(_PICTURE.value), svg(figure))


def points(rows: list[Row]) -> Points:
    """What a stage's rows say of each policy and of the choice at each budget."""
    faces = next(row["faces"] for row in rows if row["what"] == "profile")
    found: Points = defaultdict(dict)
    for row in rows:
        if row["what"].startswith("finalist "):
            budget = row["budget"]
            _add(found, row["plan"], budget, faces / row["seconds"])
            _add(found, _CHOICE, budget, faces / row["seconds"])
    plain = next(row for row in rows if row["what"] == "plain")
    budget = plain["compiled_bytes"] / (1 - HEADROOM)
    for row in rows:
        if row["what"] in ("plain", "activations offloaded") or row["what"].startswith("uniform "):
            _add(found, row["plan"], budget, faces / row["seconds"])
    found[_CHOICE][budget] = faces / plain["seconds"]  # where it fits, nothing is planned
    return found


def _add(found: Points, plan: str, budget: float, speed: float) -> None:
    """Keeps the best; a plan that is neither the choice nor uniform has no line of its own."""
    policies = set(re.findall(r"[=,]([a-z]+):", plan)) or {"none"}
    name = plan if plan == _CHOICE else policies.pop() if len(policies) == 1 else None
    if name is not None:
        found[name][budget] = max(found[name].get(budget, 0.0), speed)


def _draw(axes: Axes, stage: str, found: Points) -> None:
    for name, colour in _COLOURS.items():
        line = sorted(found.get(name, {}).items())
        chosen = name == _CHOICE
        axes.plot(
            [budget / GIB for budget, _ in line],
            [speed for _, speed in line],
            "o-" if chosen else "o--",
            color=colour,
            linewidth=3 if chosen else 1.2,
            alpha=0.6 if chosen else 1.0,
            label=name,
        )
    axes.set(title=stage, xlabel="budget, GiB", xlim=(0, None), ylim=(0, None))
    axes.legend(frameon=False, fontsize=8)


if __name__ == "__main__":
    cli.run(main)
