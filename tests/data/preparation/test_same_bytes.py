"""The same source gives the same bytes for all workers, orders of files and locales, killed or not."""

import os
import random
import subprocess
import sys

import pytest

from jaxfake.data.preparation.prepare import prepare
from jaxfake.runtime import worker_pool
from tests.data.preparation.stand_in import wanted
from tests.data.written import contents
from tests.processes import PATIENCE
from tests.project import ROOT


@pytest.fixture
def expected(noise, tmp_path):
    """What a preparation in this process writes."""
    prepare(wanted(noise, tmp_path / "expected"))
    found = contents(tmp_path / "expected")
    assert len(found) > 4
    return found


@pytest.mark.parametrize("workers", [1, 3])
def test_for_any_number_of_workers(noise, tmp_path, expected, workers):
    prepare(wanted(noise, tmp_path / "out", engine=worker_pool.run, workers=workers))
    assert contents(tmp_path / "out") == expected


class Entries(list):
    """What `os.scandir` returns, in another order."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __next__(self):
        if not self:
            raise StopIteration
        return self.pop()


@pytest.mark.parametrize("seed", range(3))
def test_for_any_order_of_the_files_in_a_folder(noise, tmp_path, expected, seed, monkeypatch):
    scandir, listdir, order = os.scandir, os.listdir, random.Random(seed)

    def scan(path="."):
        with scandir(path) as found:
            entries = list(found)
        order.shuffle(entries)
        return Entries(entries)

    def names(path="."):
        found = listdir(path)
        order.shuffle(found)
        return found

    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(os, "listdir", names)
    prepare(wanted(noise, tmp_path / "out"))
    assert contents(tmp_path / "out") == expected


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C.UTF-8"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},  # names are ASCII there
    ],
    ids=["C", "C.UTF-8", "ASCII"],
)
def test_for_any_locale(noise, tmp_path, expected, locale):
    command = [sys.executable, "-m", "tests.data.preparation.stand_in", noise, tmp_path / "out"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUTF8"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | locale,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "out") == expected


def test_for_kills_at_any_instant(noise, tmp_path, expected, processes):
    arguments = [noise, tmp_path / "out", 7, 12]
    run = processes.start(
        [sys.executable, "-m", "tests.data.preparation.killed", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    told, said = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, said
    operations, killed = map(int, told.splitlines()[-1].split())
    assert operations > 60
    assert killed > 6
    assert contents(tmp_path / "out") == expected
