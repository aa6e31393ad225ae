"""Runs a list of configs over seeds and writes tables of their results, mean and spread.

    python tools/ablations.py --configs=configs/mover.py,configs/mover.py:scratch --seeds=0,1,2 --runs=DIR

With --leave_out=eyes,lips each config is also trained without each of these manipulations in turn, and
measured on the one that it has never seen. Configs that share a stage 1 share it here too: it is
trained once for each seed. Every config is compared with the first one on the same videos, seed by seed,
and so is the error of stage 1 alone. With --at_once=6 six runs share the device, each with its output in
DIR/NAME.log. The same command again goes on where it was stopped. Leaves DIR/table.md, DIR/table.json and
a run below DIR for each row.
"""

import ast
import csv
import dataclasses
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from jaxfake import config
from jaxfake.evaluation.heat_accumulator import DETECTOR
from jaxfake.evaluation.metrics.paired_auc import AucDifference, compare_aucs
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.experiment import open_data
from jaxfake.experiment.run_folder import RECOVER
from jaxfake.experiment.start.initial_weights import OWN
from jaxfake.runtime import cli
from jaxfake.runtime.config_flag import load_config
from jaxfake.runtime.errors import PREEMPTED, InputError, Preempted
from jaxfake.runtime.path_flags import define_path, define_paths
from jaxfake.runtime.processes import supervisor
from tools.side_by_side import Job, run_side_by_side

SCORES = "scores.csv"

_CONFIGS = define_paths("configs", None, "Config files, each with its :variant.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds; each config runs once with each.")
_RUNS = define_path("runs", None, "Folder for the runs and the table.")
_LEAVE_OUT = flags.DEFINE_list(
    "leave_out", [], "Manipulations; each config also runs without each of them in turn."
)
_AT_ONCE = flags.DEFINE_integer("at_once", 1, "Runs that share the device.", 1)
_CHANGES = flags.DEFINE_multi_string(
    "change", [], "KEY=VALUE of the config for all runs alike, such as detect.steps=100."
)


@dataclasses.dataclass(frozen=True)
class Run:
    """The results of one run on the test split. Dice is None for a heat map without a threshold."""

    auc: float  # over videos
    auc_by_method: dict[str, float]
    dice: float | None  # mean over faces
    dice_by_method: dict[str, float | None]
    trivial: float | None  # best Dice of a map that does not depend on the face
    false_area: float | None  # share of the area of real faces that is called manipulated
    n_real: int
    n_fake: int
    results: Path  # the folder of its files


@dataclasses.dataclass(frozen=True)
class Row:
    """One config: its runs for all seeds with all manipulations, and without one of them, by its name."""

    name: str
    seen: tuple[Run, ...]
    unseen: dict[str, tuple[Run, ...]]


@dataclasses.dataclass(frozen=True)
class Compared:
    """The video AUC of some scores minus that of the first config, for each seed."""

    name: str
    differences: tuple[AucDifference | Undefined, ...]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One run: a config, a seed, and a manipulation that training does not see ('' for none)."""

    config: str
    seed: str
    left_out: str

    @property
    def folder(self) -> Path:
        """Where it goes."""
        path, _, variant = self.config.partition(":")
        without = f"_without_{self.left_out}" if self.left_out else ""
        return Path(_RUNS.value) / f"{Path(path).stem}_{variant or 'default'}{without}_{self.seed}"

    def command(self, start: Path | None) -> list[str]:
        """What trains it; from the stage 1 of another run, if there is one."""
        command = [sys.executable, "-m", "jaxfake.main"]
        command += [f"--config={self.config}", f"--workdir={self.folder}"]
        changes = [f"seed={self.seed}", f"data.leave_out={self.left_out}", *_CHANGES.value]
        if start is not None:
            changes.append(f"start={start}")
        return command + [f"--config.{change}" for change in changes]


def main() -> None:
    """Flags in, the tables out."""
    if not _CONFIGS.value or not _RUNS.value:
        raise InputError("--configs and --runs are needed: what to run, and a folder for the runs")
    out = Path(_RUNS.value)

    def over_seeds(name: str, left_out: str) -> list[Wanted]:
        return [Wanted(name, seed, left_out) for seed in _SEEDS.value]

    names, left_out = _CONFIGS.value, _LEAVE_OUT.value
    _run_all([run for name in names for m in ("", *left_out) for run in over_seeds(name, m)])
    rows = [
        Row(
            name,
            _results(over_seeds(name, "")),
            {m: _results(over_seeds(name, m)) for m in left_out},
        )
        for name in names
    ]
    people = _people(_config_of(rows[0].name, _SEEDS.value[0]))
    compared = _compared(rows, people)
    tables = _tables(rows) + "\n" + _paired_table(compared)
    (out / "table.json").write_text(json.dumps([_plain_row(row) for row in rows], indent=1) + "\n")
    (out / "table.md").write_text(tables, "utf-8")
    print(tables)


def _run_all(wanted: list[Wanted]) -> None:
    """Runs them to their ends; those first that train the stage 1 that others start from."""
    own: dict[str, Path] = {}  # folder of the first run that has each stage 1
    first, others = [], []
    for run in wanted:
        key = _stage_one_of(run.config, run.seed)
        if key in own:
            others.append((run, own[key]))
            continue
        if key:
            own[key] = run.folder
        first.append((run, None))
    for group in (first, others):
        _run_group([(run.folder, run.command(start)) for run, start in group])


def _run_group(group: list[tuple[Path, list[str]]]) -> None:
    if _AT_ONCE.value == 1:
        for folder, command in group:
            _check(folder, supervisor.run(command))
        return
    jobs = [Job(command, folder.with_suffix(".log")) for folder, command in group]
    for (folder, _), code in zip(group, run_side_by_side(jobs, _AT_ONCE.value), strict=True):
        _check(folder, code)


def _check(folder: Path, code: int) -> None:
    if code == PREEMPTED:
        raise Preempted(f"{folder} was stopped: run the same command again to go on")
    if code:
        raise InputError(f"{folder} ended with exit code {code}: see above, or its log")


def _results(runs: list[Wanted]) -> tuple[Run, ...]:
    return tuple(_result(run.folder) for run in runs)


def _stage_one_of(name: str, seed: str) -> str:
    """Everything that the stage 1 of a run depends on; '' if it has none of its own.

    Stage 1 sees no fake, so a manipulation that is left out makes no difference, nor do forgeries.
    """
    run = _config_of(name, seed)
    if run.start != OWN:
        return ""
    kept = ("seed", "data", "model", "mask", "recover")
    of_stage_one = {key: config.to_json(run)[key] for key in kept}
    for key in ("forgeries", "guards"):
        del of_stage_one["data"][key]
    return json.dumps(of_stage_one)


def _config_of(name: str, seed: str) -> config.Config:
    values = load_config(name)
    changes = dict(change.split("=", 1) for change in (f"seed={seed}", *_CHANGES.value))
    values.update_from_flattened_dict({key: _plain(text) for key, text in changes.items()})
    return config.parse(values)


def _plain(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _result(run: Path) -> Run:
    found = sorted(run.glob("eval/*/test/metrics.json"))
    if len(found) != 1:
        raise InputError(f"{run} has {len(found)} results of a test split, where one is expected")
    result = json.loads(found[0].read_text("utf-8"))
    where = result["localisation"]
    by_method = {name: one["video"]["auc"] for name, one in result["per_method"].items()}
    counts = result["video"]["n_real"], result["video"]["n_fake"]
    folder = found[0].parent
    if where is None:
        return Run(result["video"]["auc"], by_method, None, {}, None, None, *counts, folder)
    dice = _dices(where)
    ours = dice.pop(DETECTOR)
    return Run(
        result["video"]["auc"],
        by_method,
        ours,
        {name: _dices(one)[DETECTOR] for name, one in where["per_method"].items()},
        max((value for value in dice.values() if value is not None), default=None),
        where["reals"]["maps"][DETECTOR]["area"],
        *counts,
        folder,
    )


def _dices(group: dict[str, Any]) -> dict[str, float | None]:
    """Mean Dice of each map of a group in metrics.json."""
    return {name: one["mean_over_faces"]["dice"] for name, one in group["maps"].items()}


_Video = tuple[str, str, str]
"""Dataset, manipulation and id."""


def _people(run: config.Config) -> dict[_Video, str]:
    """Who is shown in each video of the test split."""
    at = open_data.test_split(run).index
    names = zip(at.dataset, at.method, at.video_id, strict=True)
    return dict(zip(names, at.identity.tolist(), strict=True))


def _compared(rows: Sequence[Row], people: Mapping[_Video, str]) -> list[Compared]:
    """Every config but the first, and stage 1 alone of the first, against the first."""
    first = [_scores(run.results) for run in rows[0].seen]
    others = {row.name: [_scores(run.results) for run in row.seen] for row in rows[1:]}
    alone = [run.results / RECOVER for run in rows[0].seen]
    if all((folder / SCORES).exists() for folder in alone):
        others["error of stage 1 alone"] = [_scores(folder) for folder in alone]
    return [
        Compared(
            name, tuple(starmap(partial(_difference, people), zip(theirs, first, strict=True)))
        )
        for name, theirs in others.items()
    ]


def _scores(results: Path) -> dict[_Video, tuple[int, float]]:
    """Label and score of each video."""
    with (results / SCORES).open(newline="", encoding="utf-8") as file:
        return {
            (row["dataset"], row["method"], row["video_id"]): (
                int(row["label"]),
                float(row["score"]),
            )
            for row in csv.DictReader(file)
        }


def _difference(
    people: Mapping[_Video, str],
    ours: Mapping[_Video, tuple[int, float]],
    theirs: Mapping[_Video, tuple[int, float]],
) -> AucDifference | Undefined:
    videos = sorted(ours.keys() & theirs.keys() & people.keys())
    labels, first = map(np.array, zip(*(ours[video] for video in videos), strict=True))
    second = np.array([theirs[video][1] for video in videos])
    return compare_aucs(labels, first, second, np.array([people[video] for video in videos]))


def _plain_row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "seen": [_plain_run(run) for run in row.seen],
        "unseen": {name: [_plain_run(run) for run in runs] for name, runs in row.unseen.items()},
    }


def _plain_run(run: Run) -> dict[str, Any]:
    return dataclasses.asdict(run) | {"results": str(run.results)}


def _tables(rows: list[Row]) -> str:
    """Markdown: mean and standard deviation over the seeds."""
    parts = [_auc_table(rows), _dice_table(rows)]
    if rows[0].unseen:
        parts.append(_unseen_table(rows))
    first = rows[0].seen[0]
    parts.append(
        f"Test split, {first.n_real} real and {first.n_fake} fake videos; mean ± standard deviation over "
        f"{len(rows[0].seen)} seeds of training. The spread over videos is in each run's metrics.json."
    )
    return "\n\n".join(parts) + "\n"


def _auc_table(rows: list[Row]) -> str:
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


def _dice_table(rows: list[Row]) -> str:
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


def _unseen_table(rows: list[Row]) -> str:
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


def _paired_table(compared: Sequence[Compared]) -> str:
    """Differences with their intervals, seed by seed."""
    body = [[one.name, *map(_difference_text, one.differences)] for one in compared]
    header = ["video AUC minus that of the first", *(f"seed {seed}" for seed in _SEEDS.value)]
    note = "95 % intervals: the same test videos, paired, over people (DeLong; Obuchowski)."
    return f"{_table(header, body)}\n\n{note}\n"


def _difference_text(found: AucDifference | Undefined) -> str:
    if isinstance(found, Undefined):
        return "–"
    return f"{found.value:+.3f} ({found.ci95.low:+.3f} to {found.ci95.high:+.3f})"


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


if __name__ == "__main__":
    cli.run(main)
