"""The main job as a process, and what can be observed from outside."""

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Self

from jaxfake.experiment.run_folder import RunFolder

SMALL = (
    "--config=configs/mover.py",
    "--config.recover.steps=60",
    "--config.recover.batch_size=16",
    "--config.detect.steps=60",
    "--config.detect.batch_size=16",
    "--config.detect.select_every=20",
    "--config.model.encoder.depth=2",
    "--config.log_every=1",
    "--config.checkpoints.at_risk_seconds=0.2",
    "--config.evaluation.resamples=50",
)
"""A run of some seconds on toy faces that saves very often, with a row of metrics for every step."""

_STAGES = ("recover", "detect")
_PROGRESS = re.compile(r"^[\w ,]+: \d+/\d+ \w+, .* left")
_BEGUN = re.compile(r"^\| Name|: restored step \d+$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a start of the job ended."""

    code: int  # negative: the number of the signal that ended it
    output: str  # standard output
    complaints: tuple[str, ...]  # lines of standard error, without progress

    @property
    def words(self) -> str:
        """Exit code and last lines, for messages."""
        return f"exit code {self.code}: {' / '.join(self.complaints[-3:])[-600:]}"


class Job:
    """One start of the job in `workdir`; its output goes to `logs/` beside that folder.

    Args:
        workdir, flags: of the job.
        environment: beside this process's own.
        read: output goes through pipes, whose readers can be taken away, see `stop_reading`.
    """

    def __init__(
        self,
        workdir: Path,
        flags: Iterable[str],
        environment: Mapping[str, str] | None = None,
        read: bool = False,
    ) -> None:
        logs = workdir.parent / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        number = len(list(logs.glob(f"{workdir.name}-*.out")))
        self.workdir = workdir
        self._out, self._err = (
            logs / f"{workdir.name}-{number:02d}.{kind}" for kind in ("out", "err")
        )
        self._old_rows = frozenset(rows(workdir))
        self._began = time.time()
        self._readers = [_reader(path) for path in (self._out, self._err) if read]
        with contextlib.ExitStack() as stack:
            files = (self._out, self._err)
            streams: list[IO[Any] | None] = [reader.stdin for reader in self._readers] or [
                stack.enter_context(path.open("w")) for path in files
            ]
            self.process = subprocess.Popen(
                command(workdir, flags),
                stdin=subprocess.DEVNULL,
                stdout=streams[0],
                stderr=streams[1],
                env={**os.environ, **(environment or {})},
            )
        for reader in self._readers:
            assert reader.stdin is not None
            reader.stdin.close()  # the job has it alone

    def stop_reading(self) -> None:
        """Takes the readers of the job's output away, as when a terminal or a log reader ends."""
        for reader in self._readers:
            reader.kill()
            reader.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Kills the job, so that none outlives the context."""
        self.kill()

    def runs_for(self, seconds: float) -> bool:
        """Waits; False if the job has ended before."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def ended(self, seconds: float | None = None) -> Ended:
        """Waits for the end; raises subprocess.TimeoutExpired if it takes longer."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.wait()
        lines = self._err.read_text(errors="replace").splitlines()
        complaints = tuple(line for line in lines if line.strip() and not _PROGRESS.match(line))
        return Ended(code, self._out.read_text(errors="replace"), complaints)

    def kill(self) -> Ended:
        """Kills the job, if it has not ended, and returns its end."""
        self.process.kill()
        return self.ended()

    def trained(self) -> dict[str, int]:
        """The last step of each stage in the metrics that this start has written."""
        last = dict[str, int]()
        for line in rows(self.workdir):
            row = None if line in self._old_rows else _place(line)
            if row is not None:
                last[row.stage] = max(last.get(row.stage, 0), row.step)
        return last

    def phase(self) -> str:
        """What the job does, as far as can be seen: start, compile, save, evaluate or a stage's name."""
        begun = len(_BEGUN.findall(self._out.read_text(errors="replace")))
        if not begun:
            return "start"
        if self._saving():
            return "save"
        stage = _STAGES[min(begun, len(_STAGES)) - 1]
        if steps(self.workdir).get(stage, [0])[-1] == self._steps(stage):
            return "evaluate" if stage == _STAGES[-1] else "compile"
        return stage if stage in self.trained() else "compile"

    def _steps(self, stage: str) -> int:
        """The number of steps of a stage."""
        content = json.loads(RunFolder(self.workdir).config.read_text())
        return int(content["config"][stage]["steps"])

    def _saving(self) -> bool:
        """Whether there is an unfinished save that no earlier start has left behind."""
        for path in RunFolder(self.workdir).checkpoints.glob("*/*tmp*"):
            try:
                if path.stat().st_ctime > self._began:
                    return True
            except FileNotFoundError:  # it was finished meanwhile
                return True
        return False


def _reader(path: Path) -> subprocess.Popen[bytes]:
    with path.open("w") as file:
        return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)


def command(workdir: Path, flags: Iterable[str]) -> list[str]:
    """The command line of the main job in `workdir`."""
    return [sys.executable, "-m", "jaxfake.main", f"--workdir={workdir}", *flags]


def run_to_end(workdir: Path, flags: Iterable[str]) -> float:
    """Runs the job until it is done and returns the seconds; raises RuntimeError if it fails."""
    began = time.monotonic()
    ended = Job(workdir, flags).ended()
    if ended.code:
        raise RuntimeError(f"the job in {workdir} failed: {ended.words}")
    return time.monotonic() - began


def rows(workdir: Path) -> list[str]:
    """The lines of `metrics.jsonl`, the last of which may be cut short."""
    path = RunFolder(workdir).metrics
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def steps(workdir: Path) -> dict[str, list[int]]:
    """The steps of the finished checkpoints of each stage that has any, ascending."""
    found = {
        stage: sorted(
            int(path.name)
            for path in RunFolder(workdir).stage(stage).checkpoints.glob("*")
            if path.name.isdigit()
        )
        for stage in _STAGES
    }
    return {stage: numbers for stage, numbers in found.items() if numbers}


def newest(workdir: Path) -> Path | None:
    """Folder of the newest finished checkpoint of the last stage that has one."""
    found = steps(workdir)
    if not found:
        return None
    stage = list(found)[-1]
    return RunFolder(workdir).stage(stage).checkpoints / str(found[stage][-1])


@dataclasses.dataclass(frozen=True)
class _Place:
    """The stage and step of a row of metrics."""

    stage: str
    step: int


def _place(line: str) -> _Place | None:
    """The place of a row; None if it is cut short."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return _Place(row["stage"], row["step"])
