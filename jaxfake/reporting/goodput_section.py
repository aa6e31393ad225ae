"""What the report says of where the wall time went."""

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
    """The account of each stage, by its name; None without any."""
    if not walls:
        return None
    total = sum(wall.total for wall in walls.values())
    useful = sum(wall.useful for wall in walls.values())
    interruptions = sum(wall.interruptions for wall in walls.values())
    words = (
        f"Goodput: {useful / total:.1%} of {total:.0f} s of training were updates that are part of the "
        f"result. Interruptions: {interruptions}. The time in which no process lived is not known here."
    )
    named = {stage: _named(wall) for stage, wall in walls.items()}
    bars = Figure(
        "Where the time went",
        "Share of each stage's wall time, over all the tries that it took.",
        svg_source(figures.shares(named)),
    )
    return Section("Wall time", (words,), (bars, _table(walls)))


def _named(wall: WallTime) -> dict[str, float]:
    seconds = wall.seconds()
    return {words: seconds[name] for name, words in _NAMES.items()}


def _table(walls: dict[str, WallTime]) -> Table:
    rows = [
        (words, *(_cell(_named(wall)[words], wall.total) for wall in walls.values()))
        for words in _NAMES.values()
    ]
    rows.append(("together", *(f"{wall.total:.1f} s" for wall in walls.values())))
    rows.append(("interruptions", *(str(wall.interruptions) for wall in walls.values())))
    return Table(
        "Seconds by stage",
        "Compiling is the first update of each process; starting is all before the stage, imports and "
        "data included. What an interruption took back is known to a second.",
        ("", *walls),
        tuple(rows),
    )


def _cell(seconds: float, total: float) -> str:
    return f"{seconds:.1f} s ({seconds / total:.1%})"
