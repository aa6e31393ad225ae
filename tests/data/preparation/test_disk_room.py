"""A disk that is full, wherever it is noticed: one line that names OUT and what is needed."""

import errno
import os
import resource
import shutil
from collections import namedtuple

import pytest

from jaxfake.data import deterministic_writer
from jaxfake.data.preparation import crop_files, disk_room, finished_dataset, work_folder
from jaxfake.data.preparation.prepare import prepare
from jaxfake.runtime.errors import InputError
from tests.data.preparation.stand_in import wanted
from tests.data.written import contents

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "OUT/.work/dataset/folder/incomplete.X/a")
LIBRARY = RuntimeError("UNKNOWN: Append: [Errno 28] No space left on device; writing at record 17")


def refusing(function, error, calls):
    """The function, which fails from its call number `calls` on."""
    made = 0

    def wrapper(*arguments, **options):
        nonlocal made
        made += 1
        if made > calls:
            raise error
        return function(*arguments, **options)

    return wrapper


@pytest.mark.parametrize("error", [FULL, LIBRARY])
@pytest.mark.parametrize(
    ("owner", "name", "calls"),
    [
        (crop_files, "write_atomically", 0),
        (crop_files, "write_atomically", 4),
        (deterministic_writer.DeterministicWriter, "write", 0),
        (finished_dataset, "describe", 0),
    ],
)
def test_a_full_disk_is_one_line_and_the_next_try_succeeds(
    noise, tmp_path, monkeypatch, error, owner, name, calls
):
    out = tmp_path / "out"
    with monkeypatch.context() as change:
        change.setattr(owner, name, refusing(getattr(owner, name), error, calls))
        with pytest.raises(InputError) as refused:
            prepare(wanted(noise, out))
    said = str(refused.value)
    assert said.startswith(f"--out={out}: the disk is full. Crops and dataset take ")
    assert " MB together, " in said
    assert "\n" not in said
    assert "incomplete" not in said
    assert not (out / work_folder.NAME / "dataset").exists() or name == "describe"
    assert prepare(wanted(noise, out)).newly_made
    prepare(wanted(noise, tmp_path / "whole"))
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.parametrize("most", [2_000, 20_000])  # less than a crop file; less than the records
def test_what_the_libraries_themselves_raise_is_one_line(noise, tmp_path, most):
    out, limit = tmp_path / "out", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limit[1]))
    try:
        with pytest.raises(InputError, match="a file may not get that large there"):
            prepare(wanted(noise, out))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert prepare(wanted(noise, out)).newly_made


def test_too_little_room_for_the_dataset_is_noticed_before_it_is_written(
    noise, tmp_path, monkeypatch
):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(disk_room.shutil, "disk_usage", lambda path: usage(9, 9, 1))
    with pytest.raises(InputError, match="the disk is full"):
        prepare(wanted(noise, tmp_path / "out"))
    assert not (tmp_path / "out" / work_folder.NAME / "dataset").exists()
    assert shutil.disk_usage is disk_room.shutil.disk_usage


def test_another_error_keeps_its_words(noise, tmp_path, monkeypatch):
    def fails(*_):
        raise RuntimeError("something else")

    monkeypatch.setattr(finished_dataset, "describe", fails)
    with pytest.raises(RuntimeError, match="something else"):
        prepare(wanted(noise, tmp_path / "out"))
