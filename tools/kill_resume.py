"""Kills the main job at random instants, runs it again, and compares the end with an untouched run.

    python tools/kill_resume.py --kills=20 --out=/tmp/kills

Each stormy run is killed (SIGKILL) up to five times at instants drawn from the whole length of a run,
start, compilation, both stages, saving and evaluation included, and each time started again by the same
command. Afterwards the last checkpoint of each stage must be bit for bit that of the calm run, and so must
its scores and its rows of metrics, but for the measured speeds. Exit code 1 if anything differs.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from absl import flags as absl_flags

from jaxfake import cli
from jaxfake.errors import InputError

KILLS_PER_RUN = 5
MEASURED = ("faces_per_second", "data_wait", "wall/", "interruptions")
SMALL = (
    "--config=configs/mover.py",
    "--config.recover.steps=60",
    "--config.recover.batch_size=16",
    "--config.detect.steps=60",
    "--config.detect.batch_size=16",
    "--config.detect.select_every=20",
    "--config.model.encoder.depth=2",
    "--config.log_every=5",
    "--config.checkpoints.at_risk_seconds=0.2",
    "--config.evaluation.resamples=50",
)

_KILLS = absl_flags.DEFINE_integer("kills", 20, "How often to kill.", lower_bound=1)
_SEED = absl_flags.DEFINE_integer("seed", 0, "Of the instants.")
_OUT = absl_flags.DEFINE_string("out", None, "A new folder for the runs.")


class Kill(NamedTuple):
    """One kill: when, and what it left."""

    after_seconds: float
    saved_steps: dict[str, list[int]]  # by stage
    unfinished_save: bool


class Storm(NamedTuple):
    """One run that was killed, and whether it ended like the calm one."""

    kills: list[Kill]
    exact: bool


def main() -> int:
    """Runs calm and storm; 0 if they end alike."""
    if not _OUT.value:
        raise InputError("--out is missing: name a new folder for the runs")
    out = Path(_OUT.value)
    flags = [*SMALL, f"--config.data.root={out / 'data'}"]
    run_to_end(out / "calm", flags)
    began = time.monotonic()
    run_to_end(out / "again", flags)  # now the programs are compiled and the data built
    storms = weather(out, flags, time.monotonic() - began, _KILLS.value, _SEED.value)
    kills = [kill for storm in storms for kill in storm.kills]
    exact = sum(storm.exact for storm in storms)
    mid_save = sum(kill.unfinished_save for kill in kills)
    print(
        f"{len(kills)} kills, {mid_save} of them during a save; {exact} of {len(storms)} runs exact"
    )
    return 0 if exact == len(storms) and same_end(out / "calm", out / "again") else 1


def weather(out: Path, flags: list[str], length: float, kills: int, seed: int) -> list[Storm]:
    """Runs beside `out/calm`, killed `kills` times in all at instants of 0 to `length` seconds."""
    rng, storms = np.random.default_rng(seed), list[Storm]()
    while (left := kills - sum(len(storm.kills) for storm in storms)) > 0:
        workdir = out / f"storm{len(storms)}"
        tries = [
            kill_once(workdir, flags, length * rng.random())
            for _ in range(min(left, KILLS_PER_RUN))
        ]
        run_to_end(workdir, flags)
        struck = [kill for kill in tries if kill is not None]
        storms.append(Storm(struck, same_end(out / "calm", workdir)))
        for kill in struck:
            print(f"{workdir.name}: {kill}", flush=True)
        print(f"{workdir.name}: {'bit-exact' if storms[-1].exact else 'DIFFERS'}", flush=True)
    return storms


def command(workdir: Path, flags: list[str]) -> list[str]:
    """The main job in `workdir`."""
    return [sys.executable, "-m", "jaxfake.main", f"--workdir={workdir}", *flags]


def run_to_end(workdir: Path, flags: list[str]) -> None:
    """Runs the job until it is done; raises if it fails."""
    done = subprocess.run(command(workdir, flags), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"the job in {workdir} failed ({done.returncode}): {done.stderr[-2000:]}"
        )


def kill_once(workdir: Path, flags: list[str], after_seconds: float) -> Kill | None:
    """Starts the job and kills it after a while; None if it had ended by itself."""
    nowhere = subprocess.DEVNULL
    job = subprocess.Popen(command(workdir, flags), stdout=nowhere, stderr=nowhere)
    try:
        job.wait(after_seconds)
        return None
    except subprocess.TimeoutExpired:
        job.kill()
        job.wait()
    names = {
        stage.name: [path.name for path in stage.iterdir()]
        for stage in sorted((workdir / "checkpoints").glob("*"))
    }
    steps = {
        stage: sorted(int(name) for name in there if name.isdigit())
        for stage, there in names.items()
    }
    unfinished = any("tmp" in name for there in names.values() for name in there)
    return Kill(round(after_seconds, 2), steps, unfinished)


def same_end(calm: Path, other: Path) -> bool:
    """Whether two finished runs left the same parameters, scores and metrics."""
    return (
        _fingerprints(calm) == _fingerprints(other)
        and _scores(calm) == _scores(other)
        and _metrics(calm) == _metrics(other)
    )


def _fingerprints(workdir: Path) -> dict[str, list[list[int]]]:
    """Of every array of each stage's last checkpoint: parameters, moments and counters."""
    return {
        stage.name: _fingerprint(max(stage.glob("[0-9]*"), key=lambda path: int(path.name)))
        for stage in (workdir / "checkpoints").iterdir()
    }


def _fingerprint(checkpoint: Path) -> list[list[int]]:
    sealed = json.loads((checkpoint / "meta" / "metadata").read_text())
    return sealed["content"]["fingerprint"]


def _scores(workdir: Path) -> dict[str, bytes]:
    found = sorted((workdir / "eval").rglob("*.csv"))
    return {str(path.relative_to(workdir)): path.read_bytes() for path in found}


def _metrics(workdir: Path) -> list[dict[str, Any]]:
    rows = [json.loads(row) for row in (workdir / "metrics.jsonl").read_text().splitlines()]
    kept = [{name: row[name] for name in row if not name.startswith(MEASURED)} for row in rows]
    return [row for row in kept if len(row) > 2]  # more than stage and step


if __name__ == "__main__":
    cli.run(main)
