"""Runs the main job under a seeded storm and compares the end with an untouched run, bit for bit.

    python -m tools.chaos --events=100 --seed=0 --out=DIR [--kinds=kill,term]

The kinds of events are kill (SIGKILL), term (SIGTERM: exit code 75, no step lost), pause (SIGSTOP and
SIGCONT), clock (the wall clock jumps by hours), damage (a file of the newest checkpoint truncated, zeroed
or with one bit flipped, in turn), remove (files, checkpoints or rows of metrics), full and readonly (disks:
one clear line, nothing older lost). They strike at instants drawn from the whole length of a run. Kinds
that are not possible here are named and not counted. Leaves DIR/chaos.json; exit code 1 if anything is
wrong.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from absl import flags as absl_flags

from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from tools.chaos import clock, disks, weather
from tools.chaos.compare import differences
from tools.chaos.job import SMALL, run_to_end
from tools.chaos.storms import Storm, Weather

_EVENTS = absl_flags.DEFINE_integer("events", 100, "How many must strike.", lower_bound=1)
_SEED = absl_flags.DEFINE_integer("seed", 0, "Of all that is drawn.")
_OUT = absl_flags.DEFINE_string("out", None, "A new folder for the runs.")
_KINDS = absl_flags.DEFINE_list("kinds", list(weather.SHARES), "Kinds of events.")


def main() -> int:
    """Runs calm and storm; 0 if they end alike."""
    if not _OUT.value:
        raise InputError("--out is missing: name a new folder for the runs")
    out = Path(_OUT.value).absolute()
    if (out / "calm").exists():
        raise InputError(f"--out: {out} holds a storm already")
    not_possible = {kind: why for kind in _KINDS.value if (why := _why_not(kind))}
    for kind, why in not_possible.items():
        print(f"{kind} is not possible here and not counted: {why}", flush=True)
    kinds = [kind for kind in _KINDS.value if kind not in not_possible]
    if not kinds:
        raise InputError("--kinds: none of these is possible here")
    events = weather.draw(_SEED.value, _EVENTS.value, kinds)

    flags = [*SMALL, f"--config.data.root={out / 'data'}"]
    run_to_end(out / "calm", flags)
    length = run_to_end(out / "again", flags)  # now the programs are compiled and the data built
    apart = differences(out / "calm", out / "again")
    print(
        f"an untouched run takes {length:.1f} s; {'; '.join(apart) or 'two are alike'}", flush=True
    )
    library = clock.build(out) if "clock" in kinds else None
    storms = list[Storm]()
    try:
        for storm in Weather(out, flags, length, events, _SEED.value, library).storms():
            storms.append(storm)
            _write(out / "chaos.json", storms, not_possible, length)
    finally:
        _tell(storms, not_possible)
    return 1 if apart or any(storm.all_wrong() for storm in storms) else 0


def _why_not(kind: str) -> str:
    if kind == "clock":
        return clock.why_not()
    return disks.why_not() if kind in ("full", "readonly") else ""


def _write(path: Path, storms: list[Storm], not_possible: dict[str, str], length: float) -> None:
    """All that happened, as JSON."""
    told = [
        {
            "name": storm.name,
            "struck": [one._replace(wrecked=None, gone=None)._asdict() for one in storm.struck],
            "wrong": storm.wrong,
        }
        for storm in storms
    ]
    content = {"seed": _SEED.value, "length": length, "not_possible": not_possible, "storms": told}
    path.write_text(json.dumps(content, indent=1) + "\n")


def _tell(storms: list[Storm], not_possible: dict[str, str]) -> None:
    """The table."""
    print(_table(storms))
    for kind, why in not_possible.items():
        print(f"{kind}: not possible here, {why}")
    exact = sum(not storm.wrong for storm in storms)
    struck = [one for storm in storms for one in storm.struck]
    print(
        f"{len(struck)} events, {sum(bool(one.wrong) for one in struck)} of them with something wrong; "
        f"{exact} of {len(storms)} runs bit for bit like the calm one"
    )


def _table(storms: list[Storm]) -> str:
    """A row a kind: exact counts the events whose run ended like the calm one, with nothing wrong."""
    lines = [
        "| kind | events | phases | exit codes | longest exit, s | exact |",
        "| --- " * 6 + "|",
    ]
    for kind in weather.SHARES:
        hits = [(one, storm) for storm in storms for one in storm.struck if one.kind == kind]
        if hits:
            phases = _counts(one.phase for one, _ in hits)
            codes = _counts(one.code for one, _ in hits)
            longest = max(one.seconds for one, _ in hits)
            exact = sum(not (one.wrong or storm.wrong) for one, storm in hits)
            lines.append(
                f"| {kind} | {len(hits)} | {phases} | {codes} | {longest} | {exact} of {len(hits)} |"
            )
    return "\n".join(lines)


def _counts(values: Iterable[object]) -> str:
    counted = Counter(map(str, values)).most_common()
    return ", ".join(f"{name} x{count}" for name, count in counted)


if __name__ == "__main__":
    cli.run(main)
