"""The evaluation notebook: its cells are executed, in order, on a CPU and without Jupyter."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.project import ROOT
from tests.shared import ONE_DEVICE

NOTEBOOK = ROOT / "tools" / "evaluate.ipynb"

_IPYTHON = """
from pathlib import Path
HTML = str
def display(what):
    with Path("displayed.html").open("a") as file:
        file.write(what)
"""


def _cells() -> list[dict[str, Any]]:
    """The code cells."""
    book = json.loads(NOTEBOOK.read_text())
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"]) + "\n"


def _is_parameters(cell: dict[str, Any]) -> bool:
    return "parameters" in cell["metadata"].get("tags", [])


@pytest.fixture(scope="module")
def archive(six_step_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in a .zip: its config and its checkpoints, and no results."""
    run = tmp_path_factory.mktemp("notebook") / "runs" / "tiny"
    shutil.copytree(six_step_run / "checkpoints", run / "checkpoints")
    shutil.copy(six_step_run / "config.json", run)
    return Path(shutil.make_archive(str(run.parent / "run"), "zip", run.parent, "tiny"))


def test_the_notebook_is_stored_without_outputs() -> None:
    assert json.loads(NOTEBOOK.read_text())["nbformat"] == 4
    for cell in _cells():
        assert (cell["outputs"], cell["execution_count"]) == ([], None)
    assert [_is_parameters(cell) for cell in _cells()].count(True) == 1


def test_its_cells_restore_score_and_show(archive: Path, tiny_root: Path, tmp_path: Path) -> None:
    given = f"RUN, DATA, SOURCE = {archive.as_uri()!r}, {str(tiny_root)!r}, 'nowhere'\n"
    program = [given if _is_parameters(cell) else _source(cell) for cell in _cells()]
    (tmp_path / "IPython").mkdir()
    (tmp_path / "IPython" / "display.py").write_text(_IPYTHON)
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
        "XLA_FLAGS": ONE_DEVICE,
        "JAX_PLATFORMS": "cpu",
    }
    done = subprocess.run(
        [sys.executable, "-c", "".join(program)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "video AUC" in done.stdout
    shown = (tmp_path / "displayed.html").read_text()
    assert "&lt;html" in shown  # the report, in its frame
    table = shown[shown.index("<table>") :]
    assert table.count("<tr>") == 1 + 8  # a head, and the videos of the tiny test split
    assert "<td>video_id</td>" in table
    scores = [float(row.split("<td>")[5].removesuffix("</td>")) for row in table.split("<tr>")[2:]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("gpu", "wanted"), [(None, "jaxfake"), ("/bin/smi", "jaxfake[cuda12]")])
def test_it_installs_what_fits_the_machine(
    gpu: str | None, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    class Popen:
        """Takes note of the command instead of running it."""

        stdout, returncode = ("installed\n",), 0

        def __init__(self, command: tuple[str, ...], **_: object) -> None:
            asked.append(command)

        def __enter__(self) -> "Popen":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: gpu)
    monkeypatch.setattr(subprocess, "Popen", Popen)
    exec(_source(_cells()[1]), {"SOURCE": "git+https://host/jaxfake.git"})
    (command,) = asked
    assert command[1:4] == ("-m", "pip", "install")
    assert command[-1] == f"{wanted} @ git+https://host/jaxfake.git"
