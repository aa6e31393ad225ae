"""A preparation of a real dataset's layout, killed at any instant and given again."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.data.written import contents
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
def test_killed_at_any_instant_it_ends_with_the_same_bytes(shared_data, face_models, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    begun = time.monotonic()
    subprocess.run(command(shared_data, whole, 2), cwd=ROOT, check=True, capture_output=True)
    lasts = time.monotonic() - begun
    draw = random.Random(0)
    for n in range(3):
        run = subprocess.Popen(
            command(shared_data, killed, 1 + n % 2),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(draw.uniform(0.3, 0.95) * lasts)
        run.kill()
        run.wait()
    subprocess.run(command(shared_data, killed, 2), cwd=ROOT, check=True, capture_output=True)
    assert len(contents(whole)) > 3
    assert contents(killed) == contents(whole)
