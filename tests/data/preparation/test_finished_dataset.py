"""A dataset that is there already: it is checked before it is called complete."""

import pytest

from jaxfake.data.preparation import coverage
from jaxfake.data.preparation.finished_dataset import dataset_folder
from jaxfake.data.preparation.prepare import prepare
from jaxfake.runtime.errors import InputError
from tests.data.preparation.stand_in import here, picture, wanted
from tests.data.written import contents

RECORDS, INFO, FEATURES = "folder-train.array_record*", "dataset_info.json", "features.json"


def lost(path):
    path.unlink()


def one_bit_wrong(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def emptied(path):
    path.write_bytes(b"")


def no_engine(*_):
    raise AssertionError("it crops again")


@pytest.mark.parametrize("damage", [lost, one_bit_wrong, emptied])
@pytest.mark.parametrize("name", [RECORDS, INFO, FEATURES])
def test_a_damaged_dataset_is_made_again(noise, tmp_path, capsys, damage, name):
    out = tmp_path / "out"
    first = prepare(wanted(noise, out))
    before = contents(out)
    (path,) = first.dataset.glob(name)
    damage(path)
    again = prepare(wanted(noise, out))
    assert again.newly_made
    assert contents(out) == before
    assert f"{path} is not as it was written: the dataset is made again" in capsys.readouterr().out


@pytest.mark.parametrize("damage", [lost, one_bit_wrong, emptied])
@pytest.mark.parametrize("inside", [False, True])
def test_a_damaged_coverage_is_written_again_from_its_copy(noise, tmp_path, damage, inside):
    out = tmp_path / "out"
    first = prepare(wanted(noise, out))
    before = contents(out)
    damage((first.dataset if inside else out) / coverage.FILE_NAME)
    again = prepare(wanted(noise, out, engine=no_engine))
    assert (again.newly_made, again.coverage) == (False, first.coverage)
    assert contents(out) == before


def test_a_dataset_of_which_nothing_is_known_is_not_overwritten(noise, tmp_path):
    out = tmp_path / "out"
    first = prepare(wanted(noise, out))
    for folder in (out, first.dataset):
        (folder / coverage.FILE_NAME).unlink()
    before = contents(out)
    with pytest.raises(InputError, match=r"both copies of coverage\.json are missing or damaged"):
        prepare(wanted(noise, out))
    assert contents(out) == before


def test_a_dataset_on_a_disk_that_cannot_be_written_to_is_complete(noise, tmp_path, monkeypatch):
    out = tmp_path / "out"
    prepare(wanted(noise, out))
    (out / coverage.FILE_NAME).unlink()

    def refuses(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(coverage, "write_atomically", refuses)
    assert not prepare(wanted(noise, out, engine=no_engine)).newly_made


def test_a_file_that_is_still_unreadable_changes_nothing(noise, tmp_path):
    out = tmp_path / "out"
    (noise / "real" / "torn.png").write_bytes(b"\x89PNG")
    first = prepare(wanted(noise, out))
    before = contents(out)
    tried = []

    def counting(tasks, *rest):
        tried.extend(task.source.relative for task in tasks)
        yield from here(tasks, *rest)

    again = prepare(wanted(noise, out, engine=counting))
    assert tried == ["real/torn.png"]
    assert (again.newly_made, again.coverage) == (False, first.coverage)
    assert contents(out) == before


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_that_was_unreadable_and_is_another_now_is_taken(noise, tmp_path, whole):
    torn = noise / "real" / "torn.png"
    torn.write_bytes(b"\x89PNG")
    prepare(wanted(noise, tmp_path / "out"))
    picture(torn, 99)
    if not whole:
        torn.write_bytes(torn.read_bytes()[:-400])
    again = prepare(wanted(noise, tmp_path / "out"))
    assert again.newly_made
    prepare(wanted(noise, tmp_path / "anew"))
    assert contents(tmp_path / "out") == contents(tmp_path / "anew")


def test_a_clip_that_changes_in_the_middle_alone_is_another(noise, tmp_path):
    path = noise / "real" / "clip.mp4"
    prepare(wanted(noise, tmp_path / "out"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="other files than are there now"):
        prepare(wanted(noise, tmp_path / "out"))


def test_a_new_dataset_takes_the_place_of_a_damaged_one_only_when_it_is_whole(
    noise, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    prepare(wanted(noise, out))
    one_bit_wrong(dataset_folder(out) / INFO)
    before = contents(out)

    def fails(*_):
        raise RuntimeError("a worker failed")

    with pytest.raises(RuntimeError):
        prepare(wanted(noise, out, engine=fails))
    after = {name: data for name, data in contents(out).items() if not name.startswith(".work")}
    assert after == before
