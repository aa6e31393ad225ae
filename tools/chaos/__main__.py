"""Injects faults into runs of the main job and compares their results with an undisturbed run, bit for bit.

    python -m tools.chaos --events=100 --seed=0 --out=DIR [--kinds=kill,term]

The kinds of events are kill (SIGKILL), term, hup, usr1 and usr2 (such a signal: exit code 75, no step
lost), second (the same command beside the run: refused in one line, and the run goes on), closed (nobody
reads the output any more: the run goes on), pause (SIGSTOP and SIGCONT), clock (the wall clock jumps by
hours), damage (a file of the newest checkpoint truncated, zeroed or with one bit flipped, in turn), remove
(files, checkpoints or rows of metrics), full and readonly (disks: one clear line, nothing older lost). They
happen at random instants of a whole run, drawn from the seed. Kinds that are not possible on this machine
are named and not counted. Writes DIR/chaos.json; exit code 1 if anything is wrong.
"""

import dataclasses
import json
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path
from tools.chaos import clock, disks, schedule
from tools.chaos.campaign import Campaign, FaultedRun
from tools.chaos.compare import differences
from tools.chaos.injection import Injected
from tools.chaos.job import SMALL, run_to_end

_EVENTS = absl_flags.DEFINE_integer("events", 100, "Number of faults to inject.", lower_bound=1)
_SEED = absl_flags.DEFINE_integer("seed", 0, "Seed of everything that is random.")
_OUT = define_path("out", None, "A new folder for the runs.")
_KINDS = absl_flags.DEFINE_list("kinds", list(schedule.SHARES), "Kinds of events.")


def main() -> int:
    """Runs the reference and the campaign; 0 if all runs have the same results."""
    if not _OUT.value:
        raise InputError("--out is missing: name a new folder for the runs")
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # by nohup; the jobs would inherit that
        signal.signal(signal.SIGHUP, lambda *_: None)
    out = Path(_OUT.value).absolute()
    if (out / "reference").exists():
        raise InputError(f"--out: {out} holds a campaign already")
    not_possible = {kind: why for kind in _KINDS.value if (why := _why_not(kind))}
    for kind, why in not_possible.items():
        print(f"{kind} is not possible here and not counted: {why}", flush=True)
    kinds = [kind for kind in _KINDS.value if kind not in not_possible]
    if not kinds:
        raise InputError("--kinds: none of these is possible here")
    events = schedule.draw(_SEED.value, _EVENTS.value, kinds)

    flags = [*SMALL, f"--config.data.root={out / 'data'}"]
    run_to_end(out / "reference", flags)
    duration = run_to_end(out / "again", flags)  # now the programs are compiled and the data built
    differing = differences(out / "reference", out / "again")
    print(
        f"an undisturbed run takes {duration:.1f} s; {'; '.join(differing) or 'two are the same'}",
        flush=True,
    )
    library = clock.build(out) if "clock" in kinds else None
    runs = list[FaultedRun]()
    try:
        for run in Campaign(out, flags, duration, events, _SEED.value, library).runs():
            runs.append(run)
            _write(out / "chaos.json", runs, not_possible, duration)
    finally:
        _report(runs, not_possible)
    return 1 if differing or any(run.problems() for run in runs) else 0


def _why_not(kind: str) -> str:
    if kind == "clock":
        return clock.why_not()
    return disks.why_not() if kind in ("full", "readonly") else ""


def _write(
    path: Path, runs: list[FaultedRun], not_possible: dict[str, str], duration: float
) -> None:
    """Writes everything that happened as JSON."""
    reports = [
        {
            "name": run.name,
            "injected": [_as_json(one) for one in run.injected],
            "wrong": run.wrong,
        }
        for run in runs
    ]
    content = {
        "seed": _SEED.value,
        "length": duration,
        "not_possible": not_possible,
        "runs": reports,
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def _as_json(injected: Injected) -> dict[str, Any]:
    fields = dataclasses.asdict(injected)
    return {name: value for name, value in fields.items() if name not in ("damaged", "removed")}


def _report(runs: list[FaultedRun], not_possible: dict[str, str]) -> None:
    """Prints the table and the totals."""
    print(_table(runs))
    for kind, why in not_possible.items():
        print(f"{kind}: not possible here, {why}")
    exact = sum(not run.wrong for run in runs)
    injected = [one for run in runs for one in run.injected]
    print(
        f"{len(injected)} events, {sum(bool(one.wrong) for one in injected)} of them with something wrong; "
        f"{exact} of {len(runs)} runs bit for bit like the reference run"
    )


def _table(runs: list[FaultedRun]) -> str:
    """A row per kind. Exact: events without any error whose run has the same results as the reference."""
    lines = [
        "| kind | events | phases | exit codes | longest exit, s | exact |",
        "| --- " * 6 + "|",
    ]
    for kind in schedule.SHARES:
        injected = [(one, run) for run in runs for one in run.injected if one.kind == kind]
        if injected:
            phases = _counts(one.phase for one, _ in injected)
            codes = _counts(one.code for one, _ in injected)
            longest = max(one.seconds for one, _ in injected)
            exact = sum(not (one.wrong or run.wrong) for one, run in injected)
            lines.append(
                f"| {kind} | {len(injected)} | {phases} | {codes} | {longest} "
                f"| {exact} of {len(injected)} |"
            )
    return "\n".join(lines)


def _counts(values: Iterable[object]) -> str:
    counted = Counter(map(str, values)).most_common()
    return ", ".join(f"{name} x{count}" for name, count in counted)


if __name__ == "__main__":
    cli.run(main)
