"""In a run of several processes, each has a parent that watches it and reports how it ended.

When the first process dies, JAX's coordination service aborts all others from inside, past any handler of
ours. So a child does the work, and its parent turns an abort into a message and an exit code.
"""

import contextlib
import os
import signal
import subprocess
import sys

from jaxfake.runtime.errors import Preempted
from jaxfake.runtime.orphan_processes import die_with_parent
from jaxfake.runtime.preemption import preemption

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
    with contextlib.suppress(Preempted), preemption.protecting():  # the child prints the message
        child = subprocess.Popen(
            [sys.executable, *sys.orig_argv[1:]],
            env=os.environ | {_CHILD: str(os.getpid())},
            start_new_session=True,  # Ctrl-C reaches the parent, which forwards it
        )
        code = _wait_for_exit(child)
    if code == -signal.SIGABRT:
        raise Preempted(
            "another process of this run is gone or did not come: what was saved is whole, start all "
            "of them again"
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
