"""Runs a list of configs over seeds and writes one table of their results, mean and spread.

    python tools/ablations.py --configs=configs/mover.py,configs/mover.py:scratch --seeds=0,1,2 --runs=DIR

Configs that share a stage 1 share it here too: it is trained once for each seed. The same command again
goes on where it was stopped. Leaves DIR/table.md, DIR/table.json and a run below DIR for each row.
"""

import ast
import json
import runpy
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags

from jaxfake import cli, config
from jaxfake.errors import InputError
from jaxfake.start import OWN

_CONFIGS = flags.DEFINE_list("configs", None, "Config files, each with its :variant.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds; each config runs once with each.")
_RUNS = flags.DEFINE_string("runs", None, "Folder for the runs and the table.")
_CHANGES = flags.DEFINE_multi_string(
    "change", [], "KEY=VALUE of the config for all runs alike, such as detect.steps=100."
)


class Row(NamedTuple):
    """One config over the seeds."""

    name: str
    auc: tuple[float, ...]  # video AUC of the test split, one a seed
    by_method: dict[str, tuple[float, ...]]
    n_real: int
    n_fake: int


def main() -> None:
    """Flags in, the table out."""
    if not _CONFIGS.value or not _RUNS.value:
        raise InputError("--configs and --runs are needed: what to run, and a folder for the runs")
    out = Path(_RUNS.value)
    recovered: dict[str, Path] = {}  # folder of the run that trained each stage 1
    folders = {
        name: [_run(name, seed, out, recovered) for seed in _SEEDS.value] for name in _CONFIGS.value
    }
    rows = [_row(name, runs) for name, runs in folders.items()]
    table = _table(rows)
    (out / "table.json").write_text(json.dumps([row._asdict() for row in rows], indent=1) + "\n")
    (out / "table.md").write_text(table)
    print(table)


def _run(name: str, seed: str, out: Path, recovered: dict[str, Path]) -> Path:
    """Runs one config with one seed to its end, from a stage 1 that is there already if there is one."""
    path, _, variant = name.partition(":")
    folder = out / f"{Path(path).stem}_{variant or 'default'}_{seed}"
    command = [sys.executable, "-m", "jaxfake.main", f"--config={name}", f"--workdir={folder}"]
    command += [f"--config.{change}" for change in (f"seed={seed}", *_CHANGES.value)]
    key = _stage_one_of(name, seed)
    if key in recovered:
        command.append(f"--config.start={recovered[key]}")
    subprocess.run(command, check=True)
    if key:
        recovered.setdefault(key, folder)
    return folder


def _stage_one_of(name: str, seed: str) -> str:
    """All that the stage 1 of a run depends on; '' if it has none of its own."""
    path, _, variant = name.partition(":")
    values = runpy.run_path(path)["get_config"](*filter(None, [variant]))
    changes = dict(change.split("=", 1) for change in (f"seed={seed}", *_CHANGES.value))
    values.update_from_flattened_dict({key: _plain(text) for key, text in changes.items()})
    if values.start != OWN:
        return ""
    kept = ("seed", "data", "model", "mask", "recover")
    return json.dumps({key: config.to_json(config.parse(values))[key] for key in kept})


def _plain(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _row(name: str, runs: list[Path]) -> Row:
    results = [_metrics(run) for run in runs]
    methods = results[0]["per_method"]
    return Row(
        name,
        tuple(result["video"]["auc"] for result in results),
        {m: tuple(r["per_method"][m]["video"]["auc"] for r in results) for m in methods},
        results[0]["video"]["n_real"],
        results[0]["video"]["n_fake"],
    )


def _metrics(run: Path) -> dict[str, Any]:
    found = sorted(run.glob("eval/*/test/metrics.json"))
    if len(found) != 1:
        raise InputError(f"{run} has {len(found)} results of a test split, where one is expected")
    return json.loads(found[0].read_text())


def _table(rows: list[Row]) -> str:
    """Markdown: mean and standard deviation over the seeds; the AUC of each seed beside them."""
    methods = list(rows[0].by_method)
    header = ["config", "video AUC", "each seed", *methods]
    lines = [_line(header), _line(["---"] * len(header))]
    for row in rows:
        each = ", ".join(f"{auc:.3f}" for auc in row.auc)
        lines.append(
            _line([row.name, _spread(row.auc), each, *map(_spread, row.by_method.values())])
        )
    first = rows[0]
    lines.append(
        f"\nTest split, {first.n_real} real and {first.n_fake} fake videos; mean ± standard deviation over "
        f"{len(first.auc)} seeds of training. The spread over videos is in each run's metrics.json.\n"
    )
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _spread(values: tuple[float, ...]) -> str:
    mean = statistics.mean(values)
    return f"{mean:.3f} ± {statistics.stdev(values):.3f}" if len(values) > 1 else f"{mean:.3f}"


if __name__ == "__main__":
    cli.run(main)
