"""First program of each process that touches an uploaded file: sets its limits, then becomes the command.

    python launcher.py MEMORY WRITTEN CPU_SECONDS COMMAND...

The limits cannot be set between fork and exec of the server: other threads may hold locks then. It imports
nothing of jaxfake, so that it takes milliseconds.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def limit(which: int, most: int) -> None:
    """Lowers a limit of this process and of all that it starts, never above what is allowed already."""
    allowed = resource.getrlimit(which)[1]
    most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
    resource.setrlimit(which, (most, most))


def main(arguments: list[str]) -> None:
    """See the module."""
    memory, written, cpu_seconds = map(int, arguments[:3])
    ctypes.CDLL(None).prctl(
        _PR_SET_PDEATHSIG, signal.SIGKILL
    )  # a killed server leaves nothing behind
    limit(resource.RLIMIT_DATA, memory)
    limit(resource.RLIMIT_FSIZE, written)
    limit(resource.RLIMIT_CPU, cpu_seconds)
    limit(resource.RLIMIT_CORE, 0)
    os.execv(arguments[3], arguments[3:])


if __name__ == "__main__":
    main(sys.argv[1:])
