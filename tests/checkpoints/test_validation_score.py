"""The score of a checkpoint in its file: read as it was written, and damage is said."""

from pathlib import Path

import pytest

from jaxfake.checkpoints.validation_score import read_score, write_score


def test_a_score_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_score(tmp_path, pytest.fail) is None
    write_score(tmp_path, 0.1 + 0.2)
    assert read_score(tmp_path, pytest.fail) == 0.1 + 0.2
    write_score(tmp_path, 0.5)
    assert read_score(tmp_path, pytest.fail) == 0.5


@pytest.mark.parametrize("damage", ["", "{}", '{"score": 1.0}', "[" * 50_000, "nonsense"])
def test_a_damaged_score_is_said_and_counts_as_none(tmp_path: Path, damage: str) -> None:
    write_score(tmp_path, 0.75)
    (file,) = tmp_path.iterdir()
    file.write_text(damage)
    said: list[str] = []
    assert read_score(tmp_path, said.append) is None
    assert len(said) == 1
    assert str(file) in said[0]


def test_another_number_in_the_file_is_damage(tmp_path: Path) -> None:
    write_score(tmp_path, 0.75)
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text().replace("0.75", "0.85"))
    said: list[str] = []
    assert read_score(tmp_path, said.append) is None
    assert said
