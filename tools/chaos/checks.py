"""Checks right after a fault was injected. Each returns what is wrong, or an empty list."""

import re
from pathlib import Path

from jaxfake.experiment.run_folder import RunFolder
from jaxfake.runtime.errors import USAGE
from tools.chaos import compare
from tools.chaos.job import Ended, Job, steps

_STOPPED = re.compile(r"stopped at step (\d+) of (\w+) with the state saved")
_DAMAGED = re.compile(r"checkpoint (\S+) is damaged \(")

_WHOLE = re.compile(r"(older ones are|what was saved before is) whole")


def named_as_damaged(output: str) -> set[Path]:
    """Checkpoints that the job named as damaged."""
    return {Path(found) for found in _DAMAGED.findall(output)}


def lost_steps(job: Job, ended: Ended, before: dict[str, list[int]]) -> list[str]:
    """Steps that were trained, or saved `before`, and are not saved now, although there was time to."""
    now = {stage: numbers[-1] for stage, numbers in steps(job.workdir).items()}
    damaged = named_as_damaged(ended.output)
    wrong = list[str]()
    for stage, numbers in before.items():
        folder = RunFolder(job.workdir).stage(stage).checkpoints
        good = [step for step in numbers if folder / str(step) not in damaged]
        if good and now.get(stage, 0) < good[-1]:
            wrong.append(f"{stage} was saved at {good[-1]} before, at {now.get(stage)} now")
    for line in ended.complaints:
        stopped = _STOPPED.search(line)
        if stopped and now.get(stopped[2]) != int(stopped[1]):
            wrong.append(f"{line}, but the newest is {now.get(stopped[2])}")
    wrong += [
        f"{stage} was trained to {step} and is saved at {now.get(stage)}"
        for stage, step in job.trained().items()
        if now.get(stage, 0) < step
    ]
    return wrong


def refused(ended: Ended, workdir: Path) -> list[str]:
    """What is wrong with the message that the job cannot save. A job that is done needs none."""
    if ended.code == 0:
        return []
    lines = ended.complaints
    clear = len(lines) == 1 and str(workdir) in lines[0] and _WHOLE.search(lines[0])
    return [] if clear and ended.code == USAGE else [f"{len(lines)} lines, {ended.words}"]


def refused_beside(ended: Ended, workdir: Path) -> list[str]:
    """What is wrong with how a second process in the folder of a run ended."""
    lines = ended.complaints
    clear = len(lines) == 1 and f"a run is at work in {workdir}" in lines[0]
    return (
        [] if clear and ended.code == USAGE else [f"the second: {len(lines)} lines, {ended.words}"]
    )


def checkpoint_digests(workdir: Path) -> dict[Path, dict[str, str]]:
    """Digests of all finished checkpoints."""
    return {
        folder: compare.digests(folder)
        for stage, numbers in steps(workdir).items()
        for folder in (RunFolder(workdir).stage(stage).checkpoints / str(step) for step in numbers)
    }


def lost_checkpoints(before: dict[Path, dict[str, str]], workdir: Path) -> list[str]:
    """Checkpoints that changed, or disappeared without a newer one. A score may have been added to one."""
    now = checkpoint_digests(workdir)
    wrong = [
        f"{path} has changed"
        for path in now.keys() & before.keys()
        if not before[path].items() <= now[path].items()
    ]
    return wrong + [
        f"{path} is lost"
        for path in before.keys() - now.keys()
        if not any(
            other.parent == path.parent and int(other.name) > int(path.name) for other in now
        )
    ]
