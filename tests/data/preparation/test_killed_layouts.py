"""A preparation of a real dataset's layout, killed at any instant and given again."""

import subprocess
import sys
from pathlib import Path

import pytest

from jaxfake.data.preparation.work_folder import NAME as WORK
from tests.data.written import contents
from tests.processes import until
from tests.project import ROOT


def command(shared_data: Path, out: Path, workers: int) -> list[str]:
    flags = {
        "dataset": "ffpp",
        "source": shared_data / "ffpp",
        "protocol": shared_data / "protocols" / "ffpp",
        "out": out,
        "size": 64,
        "frames": 2,
        "derive_masks": 0.1,
        "workers": workers,
    }
    return [sys.executable, "-m", "jaxfake.prepare", *(f"--{key}={v}" for key, v in flags.items())]


@pytest.mark.slow
def test_killed_at_any_instant_it_ends_with_the_same_bytes(
    shared_data, face_models, tmp_path, processes
):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(shared_data, whole, 2), cwd=ROOT, check=True, capture_output=True)
    for n, sign in enumerate([f"{WORK}/*.npz", f"{WORK}/dataset"]):
        before = set(killed.glob(sign))
        run = processes.start(
            command(shared_data, killed, 1 + n % 2),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: run.poll() is not None or set(killed.glob(sign)) - before)  # noqa: B023
        run.kill()
        run.wait()
    subprocess.run(command(shared_data, killed, 2), cwd=ROOT, check=True, capture_output=True)
    assert len(contents(whole)) > 3
    assert contents(killed) == contents(whole)
