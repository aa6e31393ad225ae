"""The tables of an ablation study in Markdown."""

import statistics
from collections.abc import Sequence

from jaxfake.evaluation.metrics.paired_auc import AucDifference
from jaxfake.evaluation.metrics.undefined import Undefined
from tools.ablation_results import FLOORS, Compared, Row, Run


def result_tables(rows: Sequence[Row], seeds: Sequence[str]) -> str:
    """Mean and standard deviation over the seeds, and each run beside its floors."""
    parts = [_auc_table(rows), _floor_table(rows, seeds), _dice_table(rows)]
    if rows[0].unseen:
        parts.append(_unseen_table(rows))
    first = rows[0].seen[0]
    parts.append(
        f"Test split, {first.n_real} real and {first.n_fake} fake videos; mean ± standard deviation over "
        f"{_seeds(len(seeds))} of training. The spread over videos is in each run's metrics.json."
    )
    return "\n\n".join(parts) + "\n"


def _auc_table(rows: Sequence[Row]) -> str:
    methods = list(rows[0].seen[0].auc_by_method)
    body = [
        [
            row.name,
            _spread([run.auc for run in row.seen]),
            ", ".join(f"{run.auc:.3f}" for run in row.seen),
            *(_spread([run.auc_by_method[name] for run in row.seen]) for name in methods),
        ]
        for row in rows
    ]
    return _table(["video AUC", "all", "each seed", *methods], body)


def _floor_table(rows: Sequence[Row], seeds: Sequence[str]) -> str:
    """Each run with its interval over people, beside what needs no detector."""
    body = [
        [
            row.name,
            seed,
            f"{run.auc:.3f}",
            f"{run.ci95[0]:.3f} to {run.ci95[1]:.3f}" if run.ci95 else "–",
            *("–" if auc is None else f"{auc:.3f}" for auc in run.floors.values()),
        ]
        for row in rows
        for seed, run in zip(seeds, row.seen, strict=True)
    ]
    return _table(["video AUC and its floors", "seed", "AUC", "95 %", *FLOORS], body)


def _dice_table(rows: Sequence[Row]) -> str:
    methods = list(rows[0].seen[0].auc_by_method)
    body = [
        [
            row.name,
            _spread([run.dice for run in row.seen]),
            _spread([run.trivial for run in row.seen]),
            _spread([run.false_area for run in row.seen]),
            *(_spread([run.dice_by_method.get(name) for run in row.seen]) for name in methods),
        ]
        for row in rows
    ]
    return _table(["Dice", "all", "best trivial", "false area of reals", *methods], body)


def _unseen_table(rows: Sequence[Row]) -> str:
    """AUC and Dice of each manipulation, never seen and seen in training."""
    body = []
    for row in rows:
        cells = [row.name]
        for name, runs in row.unseen.items():
            for pick in (_auc_of, _dice_of):
                seen, unseen = ([pick(run, name) for run in some] for some in (row.seen, runs))
                cells.append(f"{_spread(unseen)} ({_spread(seen)})")
        body.append(cells)
    names = [f"{name} {kind}" for name in rows[0].unseen for kind in ("AUC", "Dice")]
    return _table(["never seen (seen)", *names], body)


def _auc_of(run: Run, method: str) -> float:
    return run.auc_by_method[method]


def _dice_of(run: Run, method: str) -> float | None:
    return run.dice_by_method.get(method)


def paired_table(compared: Sequence[Compared], seeds: Sequence[str]) -> str:
    """Differences with their intervals, seed by seed."""
    body = [[one.name, *map(_difference_text, one.differences)] for one in compared]
    header = ["video AUC minus that of the first", *(f"seed {seed}" for seed in seeds)]
    note = "95 % intervals: the same test videos, paired, over people (DeLong; Obuchowski)."
    return f"{_table(header, body)}\n\n{note}\n"


def _difference_text(found: AucDifference | Undefined) -> str:
    if isinstance(found, Undefined):
        return "–"
    return f"{found.value:+.3f} ({found.ci95.low:+.3f} to {found.ci95.high:+.3f})"


def _seeds(count: int) -> str:
    return "one seed" if count == 1 else f"{count} seeds"


def _table(header: list[str], body: list[list[str]]) -> str:
    return "\n".join(_line(cells) for cells in (header, ["---"] * len(header), *body))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "–"
    mean = statistics.mean(known)
    return f"{mean:.3f} ± {statistics.stdev(known):.3f}" if len(known) > 1 else f"{mean:.3f}"
