"""The verb at the terminal: what it says and how it exits."""

import subprocess
import sys

import pytest

from tests.processes import PATIENCE
from tests.project import ROOT


def verb(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jaxfake.prepare", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def test_what_is_missing_or_wrong_is_one_line_and_exit_2(tmp_path):
    empty, out = tmp_path / "empty", f"--out={tmp_path / 'out'}"
    empty.mkdir()
    folder = "--dataset=folder"
    for arguments, says in [
        ([], "--dataset"),
        (["--dataset=nothing"], "there is folder"),
        ([folder], "--source is missing"),
        ([folder, f"--source={empty}"], "--out is missing"),
        ([folder, f"--source={tmp_path / 'nowhere'}", out], "is not a folder"),
        ([folder, f"--source={empty}", out], "holds no photograph or video"),
        ([folder, f"--source={empty}", out, "--splits=1"], "--splits=1"),
        (["--dataset=csv", out], "--manifest is missing"),
        (["--dataset=csv", f"--manifest={empty / 'files.csv'}", out], "files.csv is not there"),
        (["--dataset=csv", f"--source={empty}", out], "--dataset=csv go together"),
        ([folder, f"--source={empty}", f"--manifest={empty}", out], "go together"),
        ([folder, f"--source={empty}", out, "--storage=jpeg"], "--storage"),
        ([folder, f"--source={empty}", out, "--siez=3"], "siez"),
        ([folder, f"--source={empty}", out, "--seed=3"], "--seed is for --dataset=forged"),
        (["--dataset=forged", f"--source={empty}", out], "holds no prepared dataset"),
        (["--dataset=forged", f"--source={empty}", out, "--kinds=blend"], "there is self_blend"),
        (["--dataset=forged", f"--source={empty}", out, "--size=64"], "--size does not apply"),
    ]:
        done = verb(*arguments)
        assert done.returncode == 2, arguments
        assert says in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "out").exists()


def test_help_names_every_flag_in_plain_words():
    said = verb("--help").stdout
    for flag in (
        "dataset",
        "source",
        "out",
        "size",
        "frames",
        "storage",
        "identity",
        "label",
        "manifest",
        "numbered",
        "kinds",
        "seed",
    ):
        assert f"--{flag}" in said or f"--[no]{flag}" in said
    assert "Makes a dataset of aligned face crops" in said


def test_bad_files_are_named_and_the_rest_is_done(tmp_path, shared_data, face_models):
    arguments = ["--dataset=folder", f"--source={shared_data / 'bad'}", f"--out={tmp_path}"]
    arguments += ["--size=64", "--most_unreadable=0.6"]
    first, again = verb(*arguments), verb(*arguments)
    assert first.returncode == again.returncode == 0, first.stderr
    for line in ("no_face (2):", "unreadable (7):", "  empty.mp4: the file is empty"):
        assert line in first.stdout.splitlines()
    assert "everything is taken as real" in first.stdout
    assert "(made)" in first.stdout
    assert "nothing to do" in again.stdout


@pytest.mark.parametrize("damage", ["missing", "wrong"])
def test_without_the_face_models_it_says_how_to_get_them(tmp_path, shared_data, damage):
    if damage == "wrong":
        for name in ("face_detection_full_range", "face_detection_short_range", "face_landmark"):
            (tmp_path / f"{name}.tflite").write_text("x")
    source = f"--source={shared_data / 'real_clips'}"
    done = verb(
        "--dataset=folder", source, f"--out={tmp_path / 'out'}", f"--face_models={tmp_path}"
    )
    assert done.returncode == 2
    assert "python -m jaxfake.faces.model_files" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
