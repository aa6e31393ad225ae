"""Makes the wall clock of one process jump by hours; the clock of the machine is unchanged."""

import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


def why_not() -> str:
    """Why it is not possible on this machine; '' if it is."""
    return "" if shutil.which("cc") else "there is no C compiler, cc"


def build(folder: Path) -> Path:
    """Compiles the library into a folder that exists."""
    library = folder / "clock.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-o", library, _SOURCE, "-ldl"], check=True
    )
    return library


def environment(library: Path, jumps: list[tuple[float, int]], witness: Path) -> dict[str, str]:
    """The environment variables of the process whose clock jumps.

    Args:
        library: from `build`.
        jumps: seconds after its start, and seconds to jump by.
        witness: a file that is made when the process has read a shifted time.
    """
    return {
        "LD_PRELOAD": str(library),
        "CHAOS_JUMPS": ",".join(f"{after:.3f}:{seconds}" for after, seconds in jumps),
        "CHAOS_JUMPED": str(witness),
    }
