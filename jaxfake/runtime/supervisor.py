"""A process that watches the one that works, where there are several.

When the first of them dies, JAX's service aborts all others from inside, past any handler of ours. So the
work is done by a child, and this parent says what became of it.
"""

import contextlib
import os
import signal
import subprocess
import sys

from jaxfake.runtime.errors import Preempted
from jaxfake.runtime.orphans import end_with_parent
from jaxfake.runtime.preemption import preemption

_CHILD = "JAXFAKE_CHILD"
_LOOK_SECONDS = 0.1


def is_child() -> bool:
    """Whether a parent watches this process; from now on it dies with it."""
    if os.environ.get(_CHILD) != str(os.getppid()):
        return False
    end_with_parent()
    return True


def watch_child() -> int:
    """Runs this very command as a child; its exit code.

    Raises:
        Preempted: the child was aborted since another process of the run is gone.
    """
    with contextlib.suppress(Preempted), preemption.protecting():  # the child says it
        child = subprocess.Popen(
            [sys.executable, *sys.orig_argv[1:]],
            env=os.environ | {_CHILD: str(os.getpid())},
            start_new_session=True,  # Ctrl-C is for the parent, which hands it on
        )
        code = _code_of(child)
    if code == -signal.SIGABRT:
        raise Preempted(
            "another process of this run is gone or did not come: what was saved is whole, start all "
            "of them again"
        )
    return code if code >= 0 else 128 - code


def _code_of(child: subprocess.Popen[bytes]) -> int:
    """Of its end; a notice is handed on."""
    told = False
    while True:
        try:
            return child.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if preemption.requested and not told:
                told = True
                child.send_signal(signal.SIGTERM)
