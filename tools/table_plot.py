"""Draws the AUCs of a table in a page, with their intervals, so that picture and numbers are the same.

    python -m tools.table_plot --page=docs/studies/a.md --below='A heading' --svg=a.svg

It is the first table below that heading. A row's name is what stands before the column 'test AUC' or 'AUC',
but for a column 'validation'; its interval, such as '.725 to .808', stands in the column after it.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from absl import flags
from matplotlib.figure import Figure

from jaxfake.reporting.figures import svg
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import write_atomically
from jaxfake.runtime.path_flags import define_path

_PAGE = define_path("page", None, "Page in Markdown.")
_BELOW = flags.DEFINE_string("below", None, "Heading above the table.")
_SVG = define_path("svg", None, "File to write.")

_COLUMNS = ("test AUC", "AUC")
_INK, _CHANCE = "#0072b2", "#8c8c8c"


class Row(NamedTuple):
    """One row of the table; `low` and `high` are `auc` where the page has no interval."""

    name: str
    auc: float
    low: float
    high: float


def main() -> None:
    """A page in, a picture out."""
    if not (_PAGE.value and _BELOW.value and _SVG.value):
        raise InputError("--page, --below and --svg are needed")
    rows = read_rows(Path(_PAGE.value).read_text("utf-8"), _BELOW.value)
    write_atomically(Path(_SVG.value), draw(rows))


def read_rows(page: str, heading: str) -> list[Row]:
    """The rows of the first table below a heading that have an AUC.

    Raises:
        InputError: there is no such heading, or no table with an AUC below it.
    """
    found = re.search(rf"^#+ {re.escape(heading)}$.*?^(\|.*?)^(?!\|)", page + "\n\n", re.M | re.S)
    if found is None or "\n#" in found[0]:
        raise InputError(f"the page has no table below a heading {heading!r}")
    header, _, *lines = (_cells(line) for line in found[1].splitlines())
    columns = [header.index(name) for name in _COLUMNS if name in header]
    if not columns:
        raise InputError(f"the table below {heading!r} has no column {' or '.join(_COLUMNS)}")
    names = [i for i in range(columns[0]) if header[i] != "validation"]
    rows, first = [], ""
    for cells in lines:
        first = cells[0] or first  # a name that is left out is that of the row above
        if row := _row([first, *cells[1:]], names, columns[0]):
            rows.append(row)
    return rows


def _cells(line: str) -> list[str]:
    return [cell.replace("*", "").replace("`", "").strip() for cell in line.strip("|\n").split("|")]


def _row(cells: list[str], names: list[int], column: int) -> Row | None:
    try:
        auc = float(cells[column])
    except (IndexError, ValueError):
        return None
    name = ", ".join(cells[i] for i in names if cells[i])
    ends = re.fullmatch(r"(\S+) to (\S+)", cells[column + 1] if column + 1 < len(cells) else "")
    low, high = map(float, ends.groups()) if ends else (auc, auc)
    return Row(name, auc, low, high)


@matplotlib.rc_context({"svg.hashsalt": "jaxfake", "svg.fonttype": "none"})
def draw(rows: list[Row]) -> bytes:
    """A dot and its interval for each row, from the top, as SVG."""
    figure = Figure(figsize=(8.5, 0.6 + 0.26 * len(rows)), layout="constrained")
    axes: Any = figure.subplots()
    places = -np.arange(len(rows))
    aucs = np.array([row.auc for row in rows])
    spread = np.abs(np.array([(row.low, row.high) for row in rows]).T - aucs)
    axes.axvline(0.5, color=_CHANCE, linewidth=1, linestyle=":")
    axes.errorbar(aucs, places, xerr=spread, fmt="o", color=_INK, markersize=5, elinewidth=1.5)
    axes.set_yticks(places, [row.name for row in rows], fontsize=9)
    for place, row in zip(places, rows, strict=True):
        text = f"{row.auc:.3f}".lstrip("0")
        axes.annotate(text, (row.high, place), (4, -3), textcoords="offset points", fontsize=8)
    axes.set(title="AUC on the test split, 95 % over people", ylim=(0.6 - len(rows), 0.6))
    axes.title.set_size(9)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params("y", length=0)
    axes.grid(axis="x", color="#e6e6e6")
    axes.set_axisbelow(True)
    return svg(figure)


if __name__ == "__main__":
    cli.run(main)
