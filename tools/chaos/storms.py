"""Run after run, each struck by some of the events, run to its end and compared with the calm one."""

import re
import shutil
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jaxfake.runtime.preemption import preemption
from tools.chaos import aftermath, compare, weather
from tools.chaos.job import Job, steps
from tools.chaos.scene import JobFailed, Scene, Struck
from tools.chaos.strikes import STRIKES
from tools.chaos.weather import Event

_STRIKES_PER_RUN = 5
_MOST_ATTEMPTS = 40
_ALL_DAMAGED = re.compile(r"every checkpoint in (\S+) is damaged")


class Storm(NamedTuple):
    """One run: what struck it, and what was wrong in the end."""

    name: str
    struck: list[Struck]
    wrong: list[str]

    def all_wrong(self) -> list[str]:
        """In the end, and right after each event."""
        return [*self.wrong, *(wrong for one in self.struck for wrong in one.wrong)]


class Weather:
    """Strikes runs below `out`, beside the calm one in `out/calm`, until all events have struck.

    Args:
        out: folder of the runs.
        flags: of the job.
        length: seconds that an untouched run takes.
        events: that are to strike.
        seed: that they were drawn from.
        library: from `clock.build`, if there are jumps among the events.
    """

    def __init__(
        self,
        out: Path,
        flags: list[str],
        length: float,
        events: list[Event],
        seed: int,
        library: Path | None,
    ) -> None:
        self._out, self._flags, self._length = out, flags, length
        self._left, self._seed, self._library = deque(events), seed, library
        self._damaged = Counter[tuple[str, str]]()

    def storms(self) -> Iterator[Storm]:
        """All of them, each told in lines as it goes.

        Raises:
            Preempted: this program was asked to stop.
        """
        number = 0
        while self._left:
            storm = self._storm(f"storm{number:02d}")
            number += 1
            told = "; ".join(storm.all_wrong()) or "bit for bit like the calm run"
            print(f"{storm.name}: {told}", flush=True)
            yield storm

    def _storm(self, name: str) -> Storm:
        workdir = self._out / name
        scene = Scene(workdir, self._flags, self._length, self._damaged, self._library)
        run = _Run(scene)
        while self._left and len(run.struck) < _STRIKES_PER_RUN and not run.over:
            event = self._left.popleft()
            began = time.monotonic()
            if not run.strike(event):
                self._left.append(self._again(event))
                if run.over and not run.struck:  # busy or not, this is how long a run takes now
                    self._length = time.monotonic() - began
        run.to_its_end()
        wrong = run.wrong or run.differences(self._out / "calm")
        if not wrong:
            shutil.rmtree(workdir)
        return Storm(name, run.struck, wrong)

    def _again(self, event: Event) -> Event:
        if event.attempt >= _MOST_ATTEMPTS:
            raise RuntimeError(f"{event} never strikes a run before its end")
        return weather.again(self._seed, event)


class _Run:
    """A run and what has happened to it."""

    def __init__(self, scene: Scene) -> None:
        self.struck, self.wrong, self.over = list[Struck](), list[str](), False
        self._scene = scene
        self._wrecked = dict[Path, int]()  # damaged checkpoints, and starts of the job before
        self._ever_wrecked = set[Path]()

    def strike(self, event: Event) -> bool:
        """Whether the event did strike.

        Raises:
            Preempted: afterwards, if this program was asked to stop.
        """
        try:
            with preemption.protecting():  # a disk that is mounted, a job that runs
                hit = STRIKES[event.kind](event, self._scene)
        except JobFailed as failure:
            if not self._began_anew(str(failure)):
                self._fail(f"before {event.kind}: {failure}")
            return False
        if hit is None:
            self.over = True
            return False
        print(f"{self._scene.workdir.name}: {_line(hit)}", flush=True)
        self.struck.append(hit)
        self.over = hit.done
        if hit.wrecked is not None:
            self._wrecked[hit.wrecked] = len(self._logs())
            self._ever_wrecked.add(hit.wrecked)
        if hit.gone is not None:
            self._wrecked.pop(hit.gone, None)
        return True

    def to_its_end(self) -> None:
        """Runs the job until it is done, if it is not."""
        while not self.over:
            ended = Job(self._scene.workdir, self._scene.flags).ended()
            if ended.code == 0:
                self.over = True
            elif not self._began_anew(ended.words):
                self._fail(ended.words)

    def differences(self, calm: Path) -> list[str]:
        """From the calm run, and in what was said of damaged checkpoints."""
        rows_lost = any(one.rows_lost for one in self.struck)
        try:
            found = compare.differences(calm, self._scene.workdir, rows_lost)
        except (OSError, ValueError, KeyError) as error:
            found = [f"it left something that cannot be read: {error}"]
        return found + self._unheard()

    def _fail(self, reason: str) -> None:
        self.wrong.append(reason)
        self.over = True

    def _began_anew(self, words: str) -> bool:
        """Moves a stage away if the job asks for that, since all that it had was damaged here."""
        asked = _ALL_DAMAGED.search(words)
        if asked is None:
            return False
        folder = Path(asked[1])
        had = {folder / str(step) for step in steps(self._scene.workdir).get(folder.name, [])}
        if not had <= self._ever_wrecked:
            return False
        for path in had:
            self._wrecked.pop(path, None)
        print(
            f"{self._scene.workdir.name}: all of {folder.name} was damaged; moved away as it says"
        )
        shutil.rmtree(folder)
        return True

    def _unheard(self) -> list[str]:
        """Damaged checkpoints that nobody named or restored; whole ones that were called damaged."""
        wrong = list[str]()
        for path, starts in self._wrecked.items():
            text = "".join(self._logs()[starts:])
            restored = f"{path.parent.name}: restored step {path.name}\n"
            if f"checkpoint {path} is damaged" not in text and restored not in text:
                wrong.append(f"{path} was damaged and nobody said so")
        called = aftermath.called_damaged("".join(self._logs()))
        return wrong + [f"{path} was called damaged" for path in called - self._ever_wrecked]

    def _logs(self) -> list[str]:
        """What each start of the job said."""
        folder = self._scene.workdir.parent / "logs"
        found = sorted(folder.glob(f"{self._scene.workdir.name}-*.out"))
        return [path.read_text(errors="replace") for path in found]


def _line(hit: Struck) -> str:
    saved = ", ".join(f"{stage} {numbers}" for stage, numbers in hit.saved.items()) or "nothing"
    return (
        f"{hit.kind} after {hit.after_seconds} s in {hit.phase}: {hit.detail}; exit code {hit.code} "
        f"after {hit.seconds} s; saved: {saved}" + "".join(f"; WRONG: {w}" for w in hit.wrong)
    )
