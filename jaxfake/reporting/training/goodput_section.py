"""The section of the report about where the wall time went."""

from jaxfake.checkpoints.wall_time import WallTime
from jaxfake.reporting import figures
from jaxfake.reporting.html import Figure, Section, Table, svg_source

_NAMES = {
    "useful": "updates",
    "compile": "compiling",
    "data_wait": "waiting for data",
    "save": "waiting for saves",
    "validation": "validating",
    "restore": "restoring",
    "start": "starting",
    "lost": "work done again",
}


def goodput_section(walls: dict[str, WallTime]) -> Section | None:
    """Where the time of each stage went, by its name; None without any stage."""
    if not walls:
        return None
    total = sum(wall.total for wall in walls.values())
    useful = sum(wall.useful for wall in walls.values())
    interruptions = sum(wall.interruptions for wall in walls.values())
    paragraph = (
        f"Goodput: {useful / total:.1%} of {total:.0f} s of training were updates that are part of the "
        f"result. Interruptions: {interruptions}. Time in which no process was running is not included."
    )
    named = {stage: _named(wall) for stage, wall in walls.items()}
    bars = Figure(
        "Where the time went",
        "Share of each stage's wall time, over all its processes.",
        svg_source(figures.shares(named)),
    )
    return Section("Wall time", (paragraph,), (bars, _table(walls)))


def _named(wall: WallTime) -> dict[str, float]:
    seconds = wall.seconds()
    return {title: seconds[name] for name, title in _NAMES.items()}


def _table(walls: dict[str, WallTime]) -> Table:
    rows = [
        (title, *(_cell(_named(wall)[title], wall.total) for wall in walls.values()))
        for title in _NAMES.values()
    ]
    rows.append(("total", *(f"{wall.total:.1f} s" for wall in walls.values())))
    rows.append(("interruptions", *(str(wall.interruptions) for wall in walls.values())))
    return Table(
        "Seconds by stage",
        "Compiling: the first update of each process. Starting: everything before the stage, imports and "
        "data included. Work done again is known to a second.",
        ("", *walls),
        tuple(rows),
    )


def _cell(seconds: float, total: float) -> str:
    return f"{seconds:.1f} s ({seconds / total:.1%})"
