"""Kills the main job at random instants, runs it again, and compares the end with an untouched run.

    python tools/kill_resume.py --kills=20 --out=/tmp/kills

Each stormy run is killed (SIGKILL) up to five times at instants drawn from the whole length of a run,
start, compilation, training, saving and evaluation included, and each time started again by the same
command. Afterwards its final checkpoint must be bit for bit that of the calm run, and so must its scores
and its rows of metrics, but for the measured speeds. Exit code 1 if anything differs.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags

from jaxfake import cli

KILLS_PER_RUN = 5
SPEEDS = ("faces_per_second", "data_wait")
SMALL = {
    "recover.steps": 60,
    "recover.batch_size": 16,
    "log_every": 5,
    "model.encoder.depth": 2,
    "checkpoints.every_seconds": 0.2,
    "evaluation.resamples": 50,
}

_KILLS = flags.DEFINE_integer("kills", 20, "How often to kill.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Of the instants.")
_OUT = flags.DEFINE_string("out", None, "An empty or new folder for the runs.", required=True)


class Kill(NamedTuple):
    """One kill: when, and what it left."""

    after_seconds: float
    saved_steps: list[int]
    unfinished_save: bool


def main() -> int:
    """Runs calm and storm; 0 if they end alike."""
    out, rng = Path(_OUT.value), np.random.default_rng(_SEED.value)
    began = time.monotonic()
    run_to_end(out / "calm")
    length = time.monotonic() - began
    run_to_end(out / "warm")  # the programs are compiled now; its length is that of a stormy try
    length = min(length, time.monotonic() - began - length)
    left, alike = _KILLS.value, [same_end(out / "calm", out / "warm")]
    for number in range(_KILLS.value):
        if left <= 0:
            break
        workdir, kills = out / f"storm{number}", min(left, KILLS_PER_RUN)
        struck = [k for _ in range(kills) if (k := kill_once(workdir, length * rng.random()))]
        run_to_end(workdir)
        left -= len(struck)
        alike.append(same_end(out / "calm", workdir))
        for kill in struck:
            print(f"{workdir.name}: killed {kill}", flush=True)
        print(f"{workdir.name}: {'bit-exact' if alike[-1] else 'DIFFERS'}", flush=True)
    print(
        f"{_KILLS.value - left} kills in {len(alike) - 1} runs, {sum(alike[1:])} of them bit-exact"
    )
    return 0 if all(alike) else 1


def command(workdir: Path) -> list[str]:
    """The main job, small, in `workdir`; the runs beside it share their data."""
    values = {"data.root": workdir.parent / "data", **SMALL}
    overrides = [f"--config.{key}={value}" for key, value in values.items()]
    base = [sys.executable, "-m", "jaxfake.main", "--config=configs/mover.py"]
    return [*base, f"--workdir={workdir}", *overrides]


def run_to_end(workdir: Path) -> None:
    """Runs the job until it is done; raises if it fails."""
    done = subprocess.run(command(workdir), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"the job in {workdir} failed ({done.returncode}): {done.stderr[-2000:]}"
        )


def kill_once(workdir: Path, after_seconds: float) -> Kill | None:
    """Starts the job and kills it after a while; None if it had ended by itself."""
    with open(os.devnull, "w") as nowhere:
        job = subprocess.Popen(command(workdir), stdout=nowhere, stderr=nowhere)
        try:
            job.wait(after_seconds)
        except subprocess.TimeoutExpired:
            job.kill()
            job.wait()
        else:
            return None
    folder = workdir / "checkpoints" / "recover"
    names = [path.name for path in folder.glob("*")] if folder.exists() else []
    steps = sorted(int(name) for name in names if name.isdigit())
    return Kill(round(after_seconds, 2), steps, any("tmp" in name for name in names))


def same_end(calm: Path, other: Path) -> bool:
    """Whether two finished runs left the same parameters, scores and metrics."""
    return (
        _arrays(calm) == _arrays(other)
        and _scores(calm) == _scores(other)
        and _metrics(calm) == _metrics(other)
    )


def _arrays(workdir: Path) -> list[list[int]]:
    """Fingerprints of every array of the last checkpoint, as saved and verified by the run."""
    steps = (workdir / "checkpoints" / "recover").glob("[0-9]*")
    newest = max(steps, key=lambda path: int(path.name))
    sealed = json.loads((newest / "meta" / "metadata").read_text())
    return sealed["content"]["fingerprint"]


def _scores(workdir: Path) -> dict[str, bytes]:
    found = sorted((workdir / "eval").rglob("*.csv"))
    return {str(path.relative_to(workdir)): path.read_bytes() for path in found}


def _metrics(workdir: Path) -> list[dict[str, object]]:
    rows = [json.loads(row) for row in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in SPEEDS} for row in rows]


if __name__ == "__main__":
    cli.run(main)
