"""A rented box for launch scripts: `python`, `srun` and the like on its PATH are stand-ins taking notes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.processes import PATIENCE, Processes, until
from tests.project import ROOT

LAUNCH = ROOT / "tools" / "launch"

GRACE = 60
"""Seconds that a run is given to finish its step and save: our choice, the least of all launch files."""

SAVES = "saves"
"""Instead of an exit code: runs until SIGTERM, takes its time to save, exits with 75."""
DEAF = "deaf"
"""Instead of an exit code: runs until SIGTERM ends it, as Python does where no handler is set."""

_PYTHON = """
count = len(note("calls", " ".join(sys.argv[1:])))
plan = (box / "plan").read_text().split()[count - 1]
if plan.isdigit():
    sys.exit(int(plan))
if plan == "saves":
    signal.signal(signal.SIGTERM, lambda *_: note("signals", "TERM"))
    signal.signal(signal.SIGINT, lambda *_: note("signals", "INT"))
note("pid", str(os.getpid()))
while not (box / "signals").exists():
    time.sleep(0.01)
time.sleep(0.2)  # a second signal, which would be one too many, mostly comes within this
sys.exit(75)
"""

_SRUN = """
task = subprocess.Popen(sys.argv[1:])
signal.signal(signal.SIGTERM, lambda *_: task.terminate())
code = task.wait()
sys.exit(code if code >= 0 else 128 - code)
"""

_SLEEP = """
note("pauses", sys.argv[1])
while (box / "sleeps").exists():
    time.sleep(0.01)
"""

_HEAD = f"""#!{sys.executable} -IS
import os, signal, subprocess, sys, time
from pathlib import Path
box = Path(__file__).parents[1]
def note(name, line):
    with (box / name).open("a") as file:
        file.write(line + "\\n")
    return (box / name).read_text().splitlines()
"""

_STAND_INS = {
    "python": _PYTHON,
    "srun": _SRUN,
    "scontrol": 'note("scontrol", " ".join(sys.argv[1:]))',
    "squeue": 'print((box / "state").read_text())',
    "sleep": _SLEEP,
}


class Box:
    """The stand-ins in a folder, and what they noted.

    Args:
        folder: empty.
        processes: what starts scripts, and ends them with the test.
        plan: what each call of `python` does: exits with a code, SAVES or is DEAF.
    """

    def __init__(self, folder: Path, processes: Processes, *plan: int | str) -> None:
        self.folder, self._processes = folder, processes
        (folder / "bin").mkdir()
        (folder / "plan").write_text(" ".join(map(str, plan)))
        (folder / "state").write_text("RUNNING\n")
        for name, body in _STAND_INS.items():
            program = folder / "bin" / name
            program.write_text(_HEAD + body)
            program.chmod(0o755)

    def noted(self, name: str) -> list[str]:
        """Lines of 'calls' and 'signals' of python, 'pauses' of sleep, or 'scontrol'."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def start(self, *command: object) -> subprocess.Popen[str]:
        """Starts a script."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "SLURM_JOB_ID": "17"}
        return self._processes.start(list(command), env=environment, stderr=subprocess.PIPE)

    def signal_task(self) -> None:
        """Sends SIGTERM straight to the latest `python`."""
        os.kill(int(self.noted("pid")[-1]), signal.SIGTERM)

    def wait_for(self, name: str, job: subprocess.Popen[str]) -> None:
        """Returns once there is a note of that name, which the script's programs make."""
        until(lambda: self.noted(name), job)


def end(job: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and standard error of a script that is about to end."""
    _, said = job.communicate(timeout=PATIENCE)
    return job.returncode, said
