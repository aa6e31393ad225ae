"""The detector that comes with jaxfake: small, whole, and what `--model` means by itself."""

import json
from pathlib import Path

import pytest

from jaxfake.checkpoints.checksummed_json import read_checksummed
from jaxfake.inference.model import foundation_part, model_folder
from jaxfake.inference.model.opened_model import STARTER, model_path, open_model
from jaxfake.runtime.files import sha256
from jaxfake.weights import foundation_file

MOST_BYTES = 5 << 20


@pytest.fixture(scope="module")
def folder() -> Path:
    return model_path(STARTER)


def test_every_file_is_what_its_description_says(folder: Path) -> None:
    described = read_checksummed(folder / model_folder.MANIFEST)["files"]
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == described.keys() | {model_folder.MANIFEST}
    for name, entry in described.items():
        assert sha256(folder / name) == entry["sha256"], name
    assert sum((folder / name).stat().st_size for name in there) < MOST_BYTES


def test_it_says_what_it_was_measured_at_and_needs_the_encoder_by_name(folder: Path) -> None:
    content = read_checksummed(folder / model_folder.MANIFEST)
    known = foundation_part.KNOWN
    assert content["foundation"] == {"name": known.name, "sha256": known.sha256}
    names = {row["name"] for row in content["facts"]["card"]}
    assert {"trained on", "must not be used", "validated ranges"} <= names
    assert any(name.startswith("measured on") for name in names)
    assert "/tmp" not in json.dumps(content)


def test_a_folder_of_that_name_counts_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / STARTER).mkdir()
    assert model_path(STARTER) == Path(STARTER)


@pytest.mark.network
def test_it_opens_with_the_encoder_that_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(foundation_file.FOLDER_VARIABLE, str(tmp_path))
    opened = open_model(STARTER)
    assert opened.facts.name == STARTER
    assert not opened.degraded
