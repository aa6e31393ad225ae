"""Unpacks one package, checked by digest, from the index that pip (or, without pip, uv) is set up with."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

_MOST_SECONDS = 900.0


class CannotUnpack(Exception):
    """The package could not be fetched; the text says why."""


def unpack(package: str, sha256: str, target: Path) -> None:
    """Lets the installer unpack a wheel: it checks the digest first and runs none of its code.

    Args:
        package: NAME==VERSION.
        sha256: of the wheel.
        target: an existing folder. The packages that this one depends on are not fetched.

    Raises:
        CannotUnpack: there is no installer, it failed, or the wheel is another.
    """
    wanted = target / "wanted.txt"
    wanted.write_text(f"{package} --hash=sha256:{sha256}\n")
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--target", str(target)]
    command = [*_installer(), *options, "-r", str(wanted)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_MOST_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotUnpack(f"{command[0]}: {error}") from error
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise CannotUnpack(f"fetching {package} failed: {said[-1] if said else 'no message'}")


def _installer() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--no-compile", "--retries=1"]
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", sys.executable]
    raise CannotUnpack("neither pip nor uv is installed to fetch them")
