"""Folders of photographs that are evaluated as they are."""

from pathlib import Path

import pytest

from jaxfake import config
from jaxfake.experiment import open_data
from jaxfake.runtime.errors import InputError
from tests.data.preparation import stand_in
from tests.tiny import tiny_config


@pytest.fixture
def run(tmp_path) -> config.Config:
    return tiny_config(tmp_path, data__size=32)


@pytest.fixture
def source(tmp_path, monkeypatch) -> Path:
    stand_in.install(monkeypatch)
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("folders", "labels"),
    [
        (["0_real", "1_fake"], {0, 1}),
        (["mine/originals", "mine/Celeb-synthesis"], {0, 1}),
        (["a_mix_of_fakes", "more"], {-1}),
    ],
)
def test_labels_are_those_of_the_folders_or_unknown(source, run, tmp_path, folders, labels):
    for n, folder in enumerate(folders):
        stand_in.picture(source / "train" / folder / f"p{n}.png", n)
    faces = open_data.named_split(str(source), "test", run, tmp_path / "prepared")
    assert set(faces.index.label.tolist()) == labels
    assert len(faces) == 2  # whatever split the folders name


def test_what_the_names_leave_open_is_said_with_the_command_that_settles_it(source, run, tmp_path):
    for n in range(2):
        stand_in.picture(source / "ann" / f"{n}.png", n)
        stand_in.picture(source / "bob" / f"{n}.png", 2 + n)
    with pytest.raises(InputError, match=r"--numbered=.*jaxfake.prepare"):
        open_data.named_split(str(source), "test", run, tmp_path / "prepared")
    assert not (tmp_path / "prepared").exists()


def test_people_who_are_kept_for_calibration_select_no_state(tiny_root, tmp_path):
    run = tiny_config(tiny_root, evaluation__calibration_share=0.5)
    val = open_data.training_splits(run).val
    selecting, rows = open_data.for_selection(val, run), open_data.for_calibration(val, run)
    people = val.index.identity
    assert not set(selecting.index.identity) & set(people[rows])
    assert set(selecting.index.identity) | set(people[rows]) == set(people)
    assert len(selecting) == len(selecting.source.rows) == len(val) - len(rows) > 0
    plain = tiny_config(tiny_root)
    assert open_data.for_selection(val, plain) is val
    assert len(open_data.for_calibration(val, plain)) == len(val)
