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
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from absl import flags

from jaxfake import config
from jaxfake.experiment.start.initial_weights import OWN
from jaxfake.runtime import cli
from jaxfake.runtime.config_flag import load_config
from jaxfake.runtime.errors import PREEMPTED, InputError, Preempted
from jaxfake.runtime.path_flags import define_path, define_paths
from jaxfake.runtime.processes import supervisor
from tools.ablation_results import Row, Run, compared, plain_row, read_run
from tools.ablation_tables import paired_table, result_tables
from tools.side_by_side import Job, run_side_by_side

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
    tables = result_tables(rows, _SEEDS.value) + "\n" + paired_table(compared(rows), _SEEDS.value)
    (out / "table.json").write_text(json.dumps([plain_row(row) for row in rows], indent=1) + "\n")
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
    return tuple(read_run(run.folder) for run in runs)


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


if __name__ == "__main__":
    cli.run(main)
