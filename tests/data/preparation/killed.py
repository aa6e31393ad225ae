"""A preparation that is killed at random instants, and given again until it is whole.

    python -m tests.data.preparation.killed SOURCE OUT SEED KILLS

An instant is an operation on a file in OUT, such as opening or renaming one: they are numbered, a seed
draws the numbers, and the process kills itself there. Forked processes save the import of TFDS for each.
"""

import os
import random
import shutil
import signal
import sys
from pathlib import Path

import pytest
import tensorflow_datasets  # noqa: F401

from jaxfake.data.preparation.prepare import prepare
from tests.data.preparation import stand_in

_WATCHED = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate")


def _count_operations(out: Path, kill_at: int) -> list[int]:
    """Counts the operations in OUT from now on, and kills this process at one of them."""
    count = [0]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in _WATCHED and str(out) in str(arguments[0]):
            count[0] += 1
            if count[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    return count


def _prepare_in_fork(source: Path, out: Path, kill_at: int) -> bool:
    """Whether it was killed."""
    child = os.fork()
    if not child:
        code = 1
        try:
            _count_operations(out, kill_at)
            prepare(stand_in.wanted(source, out))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) not in (0, -signal.SIGKILL):
        raise SystemExit(f"ended with {os.waitstatus_to_exitcode(status)}")
    return status != 0


def _operations(source: Path, out: Path) -> int:
    """How many there are in a preparation that nobody kills, as far as they can be seen from a copy."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        count = _count_operations(out, 0)
        prepare(stand_in.wanted(source, out))
        os.write(write_end, str(count[0]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return int(os.read(read_end, 100))


def main(source: Path, out: Path, seed: int, kills: int) -> None:
    stand_in.install(pytest.MonkeyPatch())
    number = _operations(source, out)
    shutil.rmtree(out)
    draw = random.Random(seed)
    killed = sum(
        _prepare_in_fork(source, out, draw.randint(1, number * 2 // 3)) for _ in range(kills)
    )
    prepare(stand_in.wanted(source, out))
    print(number, killed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
