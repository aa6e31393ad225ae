"""In a run of several processes, each has a parent that watches it and reports how it ended.

When the first process dies, JAX's coordination service aborts all others from inside, past any handler of
ours. So a child does the work, and its parent turns an abort into a message and an exit code.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from jaxfake.runtime.errors import Preempted
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.processes.environment import this_command
from jaxfake.runtime.processes.orphan_processes import die_with_parent

_CHILD = "JAXFAKE_CHILD"
_POLL_SECONDS = 0.1


def is_child() -> bool:
    """Whether a parent watches this process; if so, this process ends when the parent does."""
    if os.environ.get(_CHILD) != str(os.getppid()):
        return False
    die_with_parent()
    return True


def watch_child() -> int:
    """Runs the same command again as a child and returns its exit code.

    Raises:
        Preempted: the child was aborted because another process of the run is gone.
    """
    code = run(this_command(), {_CHILD: str(os.getpid())})
    if code == 128 + signal.SIGABRT:
        raise Preempted(
            "another process of this run is gone or did not come: what was saved is whole, start all "
            "of them again"
        )
    return code


def run(command: list[str], environment: Mapping[str, str] | None = None) -> int:
    """Runs a command that does the work, and returns its exit code; 128 and the signal that ended it.

    A request to stop is handed on to it and waits for it. It prints its own messages, but for SIGKILL.
    """
    with contextlib.suppress(Preempted), preemption.protecting():
        child = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C reaches this process, which forwards it
        )
        code = _wait_for_exit(child)
    if code == -signal.SIGKILL:
        print(
            f"jaxfake: process {child.pid}, which did the work, was killed (the system does so when "
            "memory is short); what was saved before is whole",
            file=sys.stderr,
            flush=True,
        )
    return code if code >= 0 else 128 - code


def _wait_for_exit(child: subprocess.Popen[bytes]) -> int:
    """The exit code of the child, to which a request to stop is forwarded."""
    forwarded = False
    while True:
        try:
            return child.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if preemption.requested and not forwarded:
                forwarded = True
                child.send_signal(signal.SIGTERM)
