"""Runs with a few faults each, continued to their ends and compared with an undisturbed reference run."""

import dataclasses
import shutil
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

from jaxfake.runtime.preemption import preemption
from tools.chaos import checks, compare, schedule
from tools.chaos.faults import FAULTS
from tools.chaos.injection import ALL_DAMAGED, Injected, JobFailed, Target
from tools.chaos.job import Job, steps
from tools.chaos.schedule import Event

_FAULTS_PER_RUN = 5
_MOST_ATTEMPTS = 40


@dataclasses.dataclass(frozen=True)
class FaultedRun:
    """One run: the faults injected into it, and what was wrong at its end."""

    name: str
    injected: list[Injected]
    wrong: list[str]

    def problems(self) -> list[str]:
        """What was wrong at the end and right after each event."""
        return [*self.wrong, *(wrong for one in self.injected for wrong in one.wrong)]


class Campaign:
    """Injects events into runs below `out` until all have happened; the reference run is `out/reference`.

    Args:
        out: folder of the runs.
        flags: of the job.
        duration: seconds that an undisturbed run takes.
        events: to inject.
        seed: that they were drawn from.
        clock_library: from `clock.build`, if there are clock jumps among the events.
    """

    def __init__(
        self,
        out: Path,
        flags: list[str],
        duration: float,
        events: list[Event],
        seed: int,
        clock_library: Path | None,
    ) -> None:
        self._out, self._flags, self._duration = out, flags, duration
        self._left, self._seed, self._clock_library = deque(events), seed, clock_library
        self._damage_counts = Counter[tuple[str, str]]()

    def runs(self) -> Iterator[FaultedRun]:
        """Makes the runs and prints what happens.

        Raises:
            Preempted: this program was asked to stop.
        """
        number = 0
        while self._left:
            run = self._run_with_faults(f"run{number:02d}")
            number += 1
            result = "; ".join(run.problems()) or "bit for bit like the reference run"
            print(f"{run.name}: {result}", flush=True)
            yield run

    def _run_with_faults(self, name: str) -> FaultedRun:
        workdir = self._out / name
        target = Target(
            workdir, self._flags, self._duration, self._damage_counts, self._clock_library
        )
        run = _RunUnderTest(target)
        while self._left and len(run.injected) < _FAULTS_PER_RUN and not run.over:
            event = self._left.popleft()
            began = time.monotonic()
            if not run.inject(event):
                self._left.append(self._redraw(event))
                if run.over and not run.injected:  # this is how long a run takes now
                    self._duration = time.monotonic() - began
        run.finish()
        wrong = run.wrong or run.differences(self._out / "reference")
        if not wrong:
            shutil.rmtree(workdir)
        return FaultedRun(name, run.injected, wrong)

    def _redraw(self, event: Event) -> Event:
        if event.attempt >= _MOST_ATTEMPTS:
            raise RuntimeError(f"{event} never happened before the end of a run")
        return schedule.redraw(self._seed, event)


class _RunUnderTest:
    """A run and the faults that were injected into it."""

    def __init__(self, target: Target) -> None:
        self.injected, self.wrong, self.over = list[Injected](), list[str](), False
        self._target = target
        self._damaged = dict[
            Path, int
        ]()  # damaged checkpoints, and how often the job was started before
        self._ever_damaged = set[Path]()

    def inject(self, event: Event) -> bool:
        """Injects an event; whether it happened.

        Raises:
            Preempted: afterwards, if this program was asked to stop.
        """
        try:
            with preemption.protecting():  # do not stop with a disk mounted or a job running
                injected = FAULTS[event.kind](event, self._target)
        except JobFailed as failure:
            if not self._moved_stage_away(str(failure)):
                self._fail(f"before {event.kind}: {failure}")
            return False
        if injected is None:
            self.over = True
            return False
        print(f"{self._target.workdir.name}: {_line(injected)}", flush=True)
        self.injected.append(injected)
        self.over = injected.done
        if injected.damaged is not None:
            self._damaged[injected.damaged] = len(self._logs())
            self._ever_damaged.add(injected.damaged)
        if injected.removed is not None:
            self._damaged.pop(injected.removed, None)
        if injected.unheard:  # it may have named them when nobody listened
            self._damaged.clear()
        return True

    def finish(self) -> None:
        """Runs the job until it is done, if it is not."""
        while not self.over:
            ended = Job(self._target.workdir, self._target.flags).ended()
            if ended.code == 0:
                self.over = True
            elif not self._moved_stage_away(ended.words):
                self._fail(ended.words)

    def differences(self, reference: Path) -> list[str]:
        """Differences from the reference run, and wrong messages about damaged checkpoints."""
        rows_lost = any(one.rows_lost for one in self.injected)
        try:
            found = compare.differences(reference, self._target.workdir, rows_lost)
        except (OSError, ValueError, KeyError) as error:
            found = [f"it left something that cannot be read: {error}"]
        return found + self._wrong_reports()

    def _fail(self, reason: str) -> None:
        self.wrong.append(reason)
        self.over = True

    def _moved_stage_away(self, message: str) -> bool:
        """Moves a stage's folder away if the job asks for that and we damaged all its checkpoints."""
        asked = ALL_DAMAGED.search(message)
        if asked is None:
            return False
        folder = Path(asked[1])
        checkpoints = {
            folder / str(step) for step in steps(self._target.workdir).get(folder.name, [])
        }
        if not checkpoints <= self._ever_damaged:
            return False
        for path in checkpoints:
            self._damaged.pop(path, None)
        print(
            f"{self._target.workdir.name}: all of {folder.name} was damaged; moved away as it says"
        )
        shutil.rmtree(folder)
        return True

    def _wrong_reports(self) -> list[str]:
        """Damaged checkpoints that the job did not name, and undamaged ones that it called damaged."""
        wrong = list[str]()
        for path, starts in self._damaged.items():
            text = "".join(self._logs()[starts:])
            restored = f"{path.parent.name}: restored step {path.name}\n"
            if f"checkpoint {path} is damaged" not in text and restored not in text:
                wrong.append(f"{path} was damaged and the job did not say so")
        called = checks.named_as_damaged("".join(self._logs()))
        return wrong + [f"{path} was called damaged" for path in called - self._ever_damaged]

    def _logs(self) -> list[str]:
        """The output of each start of the job."""
        folder = self._target.workdir.parent / "logs"
        found = sorted(folder.glob(f"{self._target.workdir.name}-*.out"))
        return [path.read_text(errors="replace") for path in found]


def _line(injected: Injected) -> str:
    saved = (
        ", ".join(f"{stage} {numbers}" for stage, numbers in injected.saved.items()) or "nothing"
    )
    return (
        f"{injected.kind} after {injected.after_seconds} s in {injected.phase}: {injected.detail}; "
        f"exit code {injected.code} "
        f"after {injected.seconds} s; saved: {saved}"
        + "".join(f"; WRONG: {w}" for w in injected.wrong)
    )
