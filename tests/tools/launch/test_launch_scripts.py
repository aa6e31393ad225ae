"""The launch scripts, really executed: the loop for boxes without a scheduler, and the SLURM job."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from jaxfake.runtime.errors import DONE, FAILED, PREEMPTED, USAGE
from tests.processes import FOREVER, Processes
from tests.tools.launch.box import DEAF, GRACE, LAUNCH, SAVES, Box, end

LOOP, SBATCH = LAUNCH / "until_done.sh", LAUNCH / "slurm.sbatch"
COMMAND = ("python", "-m", "jaxfake.main", "--config=x y")


@pytest.mark.parametrize("script", [LOOP, SBATCH])
def test_scripts_are_bash(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)


def test_the_loop_runs_the_same_command_until_it_is_done(
    tmp_path: Path, processes: Processes
) -> None:
    box = Box(tmp_path, processes, PREEMPTED, PREEMPTED, DONE)
    code, said = end(box.start(LOOP, *COMMAND))
    assert code == DONE
    assert box.noted("calls") == ["-m jaxfake.main --config=x y"] * 3
    assert said.count("stopped with the state saved") == 2
    assert said.endswith("done\n")


@pytest.mark.parametrize("code", [FAILED, USAGE, 137])
def test_the_loop_stops_at_any_other_code_and_says_so(
    tmp_path: Path, code: int, processes: Processes
) -> None:
    box = Box(tmp_path, processes, PREEMPTED, code)
    ended, said = end(box.start(LOOP, *COMMAND))
    assert ended == code
    assert len(box.noted("calls")) == 2
    assert f"stopped by exit code {code}, not run again" in said


def test_the_loop_waits_longer_and_longer_where_runs_end_at_once(
    tmp_path: Path, processes: Processes
) -> None:
    # However slow the machine, no run of this loop is long enough to be called so.
    loop = tmp_path / LOOP.name
    loop.write_text(LOOP.read_text().replace("short_run=60 ", f"short_run={FOREVER:.0f} "))
    assert loop.read_text() != LOOP.read_text()
    box = Box(tmp_path, processes, *[PREEMPTED] * 9, DONE)
    end(box.start("bash", loop, *COMMAND))
    assert [int(s) for s in box.noted("pauses")] == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_the_loop_hands_each_signal_on_once_and_asks_to_be_run_again(
    tmp_path: Path, processes: Processes
) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        folder = tmp_path / number.name
        folder.mkdir()
        box = Box(folder, processes, SAVES)
        job = box.start(LOOP, *COMMAND)
        box.wait_for("pid", job)
        os.killpg(job.pid, number)  # as a terminal does it
        code, said = end(job)
        assert (code, box.noted("signals")) == (PREEMPTED, ["TERM"])
        assert len(box.noted("calls")) == 1
        assert "goes on where it was" in said


def test_a_command_that_a_signal_ends_before_it_can_save_is_to_be_run_again(
    tmp_path: Path, processes: Processes
) -> None:
    box = Box(tmp_path, processes, DEAF)
    job = box.start(LOOP, *COMMAND)
    box.wait_for("pid", job)
    job.terminate()
    assert end(job)[0] == PREEMPTED


def test_the_loop_can_be_stopped_while_it_pauses(tmp_path: Path, processes: Processes) -> None:
    box = Box(tmp_path, processes, PREEMPTED)
    (tmp_path / "sleeps").touch()
    job = box.start(LOOP, *COMMAND)
    box.wait_for("pauses", job)
    job.terminate()
    assert end(job)[0] == PREEMPTED
    assert len(box.noted("calls")) == 1


def test_the_loop_without_a_command_is_a_usage_error(tmp_path: Path, processes: Processes) -> None:
    assert end(Box(tmp_path, processes).start(LOOP))[0] == USAGE


def test_the_batch_job_asks_for_requeueing_and_for_a_warning_in_time() -> None:
    head = SBATCH.read_text().split("\nset -u\n")[
        0
    ]  # sbatch reads no further than the first command
    assert all(line.startswith("#") for line in head.splitlines())
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)(?:=(.*))?$", head, re.MULTILINE))
    assert options["requeue"] == ""
    assert options["open-mode"] == "append"
    signalled = re.fullmatch(r"B:TERM@(\d+)", options["signal"])
    assert signalled is not None
    assert int(signalled[1]) >= GRACE


@pytest.mark.parametrize(
    ("code", "again"),
    [(PREEMPTED, True), (DONE, False), (FAILED, False), (USAGE, False), (143, False)],
)
def test_the_batch_job_is_requeued_on_75_alone(
    tmp_path: Path, code: int, again: bool, processes: Processes
) -> None:
    box = Box(tmp_path, processes, code)
    assert end(box.start("bash", SBATCH, *COMMAND[3:]))[0] == code
    assert box.noted("calls") == ["-m jaxfake.main --config=x y"]
    assert box.noted("scontrol") == (["requeue 17"] if again else [])


@pytest.mark.parametrize(("plan", "code"), [(SAVES, PREEMPTED), (DEAF, 143)])
def test_a_warned_batch_job_passes_it_on_and_is_requeued(
    tmp_path: Path, plan: str, code: int, processes: Processes
) -> None:
    box = Box(tmp_path, processes, plan)
    job = box.start("bash", SBATCH)
    box.wait_for("pid", job)
    job.terminate()
    assert end(job)[0] == code
    assert box.noted("signals") == (["TERM"] if plan == SAVES else [])
    assert box.noted("scontrol") == ["requeue 17"]


@pytest.mark.parametrize("code", [DONE, FAILED, USAGE])
def test_a_warned_batch_job_that_ends_otherwise_is_not_requeued(
    tmp_path: Path, code: int, processes: Processes
) -> None:
    box = Box(tmp_path, processes)
    srun = f'#!/bin/bash\ntrap "exit {code}" TERM\necho $$ >{tmp_path}/pid\nread -r <{tmp_path}/never\n'
    os.mkfifo(tmp_path / "never")
    (tmp_path / "bin" / "srun").write_text(srun)
    job = box.start("bash", SBATCH)
    box.wait_for("pid", job)
    job.terminate()
    assert end(job)[0] == code
    assert box.noted("scontrol") == []


def test_the_batch_job_gives_its_cpus_to_the_task_and_says_if_it_cannot_requeue(
    tmp_path: Path, processes: Processes
) -> None:
    box = Box(tmp_path, processes, PREEMPTED)
    srun = f'#!/bin/bash\necho "$SRUN_CPUS_PER_TASK" >{tmp_path}/cpus\nexit {PREEMPTED}\n'
    (tmp_path / "bin" / "srun").write_text(srun)
    (tmp_path / "bin" / "scontrol").write_text("#!/bin/bash\nexit 1\n")
    code, said = end(box.start("env", "SLURM_CPUS_PER_TASK=8", "bash", SBATCH))
    assert code == PREEMPTED
    assert box.noted("cpus") == ["8"]
    assert "submit it again" in said


def test_a_cancelled_batch_job_is_neither_signalled_twice_nor_requeued(
    tmp_path: Path, processes: Processes
) -> None:
    box = Box(tmp_path, processes, SAVES)
    job = box.start("bash", SBATCH)
    box.wait_for("pid", job)
    (tmp_path / "state").write_text("COMPLETING\n")
    job.terminate()
    box.signal_task()
    assert end(job)[0] == PREEMPTED
    assert (box.noted("signals"), box.noted("scontrol")) == (["TERM"], [])
