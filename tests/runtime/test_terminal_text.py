"""Names and notes of other people reach the terminal as text, never as orders to it."""

import subprocess
import sys

import pytest

from jaxfake.runtime.progress import Progress, say
from jaxfake.runtime.terminal_text import printable, printable_line

HOSTILE = "a\x1b[2Jb\rc\x07d\x9be\u202ef\x7f\udcffg"
SAFE = r"a\x1b[2Jb\rc\x07d\x9be\u202ef\x7f\udcffg"


def test_orders_become_escapes_and_text_stays() -> None:
    assert printable(HOSTILE) == SAFE
    plain = "Ärger, 顔 \U0001f600\tone\nanother"
    assert printable(plain) == plain
    assert printable_line("one\nanother") == r"one\nanother"


def test_what_is_said_and_shown_is_safe(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"file {HOSTILE}")
    with Progress(f"reading {HOSTILE}", 1, "files") as progress:
        progress.advance(1, HOSTILE)
    out, err = capsys.readouterr()
    assert out == f"file {SAFE}\n"
    assert f"reading {SAFE}: 1/1 files" in err
    assert "\x1b" not in err


def test_an_error_is_one_safe_line() -> None:
    program = (
        "from jaxfake.runtime import cli\nfrom jaxfake.runtime.errors import InputError\n"
        f"def main():\n    raise InputError({HOSTILE + chr(10)!r} + 'jaxfake: all is well')\ncli.run(main)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.decode() == rf"jaxfake: {SAFE}\njaxfake: all is well" + "\n"
