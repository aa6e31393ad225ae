"""The launch files that a service reads, and what they ask of it; scripts: test_launch_scripts."""

import configparser
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jaxfake import config
from jaxfake.runtime.errors import DONE, FAILED, PREEMPTED, USAGE
from tests.processes import PATIENCE, Processes
from tests.project import ROOT
from tests.tools.launch.box import GRACE, LAUNCH, Box

UNIT, SKYPILOT, JOBSET = (
    LAUNCH / name for name in ("jaxfake.service", "skypilot.yaml", "jobset.yaml")
)


def test_every_config_that_is_named_exists() -> None:
    named = set()
    for path in LAUNCH.iterdir():
        named |= set(re.findall(r"configs/(\w+)\.py(?::(\w+))?", path.read_text()))
    assert ("mover", "ffpp") in named
    for name, variant in named:
        config.parse(importlib.import_module(f"configs.{name}").get_config(variant))


def test_the_unit_restarts_on_75_alone_and_gives_time_to_save() -> None:
    unit = configparser.ConfigParser(interpolation=None, comment_prefixes="#")
    unit.optionxform = str
    unit.read(UNIT)
    service = unit["Service"]
    assert service["RestartForceExitStatus"] == service["SuccessExitStatus"] == str(PREEMPTED)
    assert service["Restart"] == "no"
    assert (service["KillSignal"], service["KillMode"]) == ("SIGTERM", "mixed")
    assert int(service["TimeoutStopSec"]) >= GRACE
    # The run's folder is on a disk that must be mounted first.
    workdir = re.search(r"--workdir=(\S+)", service["ExecStart"])
    assert workdir is not None
    assert workdir[1].startswith(unit["Unit"]["RequiresMountsFor"] + "/")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text()
    assert _complaints(tmp_path, text) == []
    assert _complaints(tmp_path, text.replace("KillMode=mixed", "KillMod=mixed")) != []


def _complaints(folder: Path, unit: str) -> list[str]:
    """What systemd-analyze says of the unit, with a Python that exists here."""
    path = folder / UNIT.name
    path.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit))
    command = ["systemd-analyze", "verify", "--man=no", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if UNIT.name in line]


def test_the_managed_job_recovers_from_75_alone_and_from_lost_machines() -> None:
    task = yaml.safe_load(SKYPILOT.read_text())
    assert task["resources"]["use_spot"] is True
    recovery = task["resources"]["job_recovery"]
    assert recovery["recover_on_exit_codes"] == [PREEMPTED]
    assert recovery["max_restarts_on_errors"] == 0


def test_the_managed_job_writes_to_a_bucket_through_a_cache() -> None:
    task = yaml.safe_load(SKYPILOT.read_text())
    last = task["run"].strip().splitlines()[-1]
    assert "exec " not in last  # SkyPilot's wait for uploads comes after it
    for flag in ("workdir", "config.data.source"):
        path = re.search(rf'--{flag}="?(/\w+)', last)
        assert path is not None
        mount = task["file_mounts"][path[1]]
        assert mount["mode"] == ("MOUNT_CACHED" if flag == "workdir" else "COPY")
    assert set(re.findall(r"\$\{?(\w+)", SKYPILOT.read_text())) == task["envs"].keys()


def test_the_managed_job_ends_with_the_code_of_the_run(
    tmp_path: Path, processes: Processes
) -> None:
    # SkyPilot sees the script's code: a command after the run would hide it.
    Box(tmp_path, processes)
    task = yaml.safe_load(SKYPILOT.read_text())
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(tmp_path / "bin")
    (tmp_path / ".venv" / "plan").write_text(str(PREEMPTED))
    ended = subprocess.run(
        ["bash", "-c", task["run"]], cwd=tmp_path, env=task["envs"], timeout=PATIENCE, check=False
    )
    assert ended.returncode == PREEMPTED
    (flags,) = (tmp_path / ".venv" / "calls").read_text().splitlines()
    assert f"--config={task['envs']['CONFIG']} --workdir=/runs/{task['envs']['RUN']}" in flags


def _jobset() -> dict[str, Any]:
    return yaml.safe_load(JOBSET.read_text())["spec"]


def _fate(code: int, disrupted: bool = False) -> str:
    """What becomes of the JobSet when its pod ends, by the rules of Job and JobSet: the first that fits."""
    spec = _jobset()
    job = spec["replicatedJobs"][0]["template"]["spec"]
    if code == 0:
        return "Complete"
    assert job["backoffLimit"] == 0
    reason = "BackoffLimitExceeded"
    for rule in job["podFailurePolicy"]["rules"]:
        codes = rule.get("onExitCodes", {"operator": "In", "values": []})
        assert codes["operator"] == "In"
        conditions = [(one["type"], one["status"]) for one in rule.get("onPodConditions", [])]
        if code in codes["values"] or (disrupted and ("DisruptionTarget", "True") in conditions):
            assert rule["action"] == "FailJob"
            reason = "PodFailurePolicy"
            break
    for rule in spec["failurePolicy"]["rules"]:
        if reason in (rule["onJobFailureReasons"] or [reason]):  # an empty list is any reason
            return rule["action"]
    return "RestartJobSet"


def test_the_jobset_restarts_uncounted_on_75_and_on_eviction_and_fails_on_all_else() -> None:
    assert _fate(DONE) == "Complete"
    assert _fate(PREEMPTED) == "RestartJobSetAndIgnoreMaxRestarts"
    assert _fate(137, disrupted=True) == "RestartJobSetAndIgnoreMaxRestarts"
    assert {_fate(code) for code in (FAILED, USAGE, 137, 143)} == {"FailJobSet"}


def test_the_pod_has_time_to_save_and_never_a_second_writer() -> None:
    spec = _jobset()
    assert spec["failurePolicy"]["restartStrategy"] == "BlockingRecreate"
    job = spec["replicatedJobs"][0]["template"]["spec"]
    assert (job["parallelism"], job["completions"]) == (1, 1)
    pod = job["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["terminationGracePeriodSeconds"] >= GRACE
    assert pod["shareProcessNamespace"] is True
    container = pod["containers"][0]
    named = {rule["onExitCodes"]["containerName"] for rule in job["podFailurePolicy"]["rules"][:1]}
    assert named == {container["name"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    paths = re.findall(r"--(?:workdir|config\.data\.source)=(/\w+)", " ".join(container["args"]))
    assert [mounts[path] for path in paths] == [pod["volumes"][0]["name"]] * 2


def test_the_readme_tells_of_every_file() -> None:
    text = (LAUNCH / "README.md").read_text()
    files = {path.name for path in LAUNCH.iterdir()} - {"README.md"}
    assert [name for name in sorted(files) if f"`{name}`" not in text] == []
    assert "tools/launch" in (ROOT / "README.md").read_text()
