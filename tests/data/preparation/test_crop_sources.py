"""Crops that are kept from one command to the next, and a source that does not stay as it is."""

import errno
import os

import numpy as np
import pytest

from jaxfake.data.preparation import (
    coverage,
    crop_files,
    crop_sources,
    cropping,
    source_content,
    work_folder,
)
from jaxfake.data.preparation.prepare import prepare
from jaxfake.faces import images
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.worker_pool import Outcome
from tests.data.preparation import stand_in
from tests.data.preparation.stand_in import here, picture, wanted
from tests.data.written import contents


class Stopped(Exception):
    """A preparation that ends in the middle."""


def stopping_after(number):
    def engine(*arguments):
        for outcome in here(*arguments):
            if outcome.number == number:
                raise Stopped
            yield outcome

    return engine


def test_every_damaged_crop_file_is_made_again(noise, tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "out"
    prepare(wanted(noise, whole))
    with pytest.raises(Stopped):
        prepare(wanted(noise, out, engine=stopping_after(8)))
    paths = sorted((out / work_folder.NAME).glob("*.npz"))
    assert len(paths) == 9
    rng = np.random.default_rng(0)
    for path in paths[:6]:
        data = bytearray(path.read_bytes())
        bit = int(rng.integers(8 * len(data)))
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
    paths[6].write_bytes(paths[6].read_bytes()[:-1])
    paths[7].write_bytes(b"")
    tried = []

    def counting(tasks, *rest):
        tried.extend(task.crop_file for task in tasks)
        yield from here(tasks, *rest)

    prepare(wanted(noise, out, engine=counting))
    assert len(tried) == 10 - 1
    assert contents(out) == contents(whole)


def test_a_crop_file_that_is_damaged_while_the_dataset_is_written_is_named(
    noise, tmp_path, monkeypatch
):
    load = crop_files.load

    def damaged(path):
        monkeypatch.setattr(crop_files, "load", load)
        path.write_bytes(b"x")
        return load(path)

    monkeypatch.setattr(crop_files, "load", damaged)
    with pytest.raises(InputError, match=r"crop file .*\.npz is missing or damaged.* run the same"):
        prepare(wanted(noise, tmp_path / "out"))
    prepare(wanted(noise, tmp_path / "out"))
    prepare(wanted(noise, tmp_path / "whole"))
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("after", [0, 1, 5, 9])
def test_a_source_that_vanishes_is_not_a_result(noise, tmp_path, after):
    out, away = tmp_path / "out", tmp_path / "away"

    def unmounting(tasks, *rest):
        for outcome in here(tasks, *rest):
            yield outcome
            if outcome.number == after - 1:
                noise.rename(away)

    def unmounted_at_once(*arguments):
        noise.rename(away)
        yield from here(*arguments)

    with pytest.raises(InputError, match=r"No such file or directory.*run the same command again"):
        prepare(wanted(noise, out, engine=unmounting if after else unmounted_at_once))
    assert {path.name for path in out.iterdir()} == {work_folder.NAME}
    away.rename(noise)
    prepare(wanted(noise, out))
    prepare(wanted(noise, tmp_path / "whole"))
    assert contents(out) == contents(tmp_path / "whole")


def test_what_replaces_a_file_before_it_is_cropped_is_what_is_named(noise, tmp_path):
    path = noise / "real" / "anna.png"

    def replacing(*arguments):
        picture(path, 99)
        yield from here(*arguments)

    prepare(wanted(noise, tmp_path / "out", engine=replacing))
    prepare(wanted(noise, tmp_path / "anew"))
    assert contents(tmp_path / "out") == contents(tmp_path / "anew")


def test_a_file_that_is_written_to_while_it_is_read_is_not_a_result(noise, tmp_path, monkeypatch):
    path, read = noise / "real" / "anna.png", images.read_photograph

    def late(file):
        image = read(file)
        if file.name == path.name:
            picture(path, 99)
        return image

    monkeypatch.setattr(cropping.images, "read_photograph", late)
    with pytest.raises(InputError, match=r"anna\.png: it was written to while it was read"):
        prepare(wanted(noise, tmp_path / "out"))
    monkeypatch.undo()
    stand_in.install(monkeypatch)
    prepare(wanted(noise, tmp_path / "out"))
    prepare(wanted(noise, tmp_path / "anew"))
    assert contents(tmp_path / "out") == contents(tmp_path / "anew")


def test_a_file_that_changes_between_two_commands_is_cropped_again(noise, tmp_path):
    with pytest.raises(Stopped):
        prepare(wanted(noise, tmp_path / "out", engine=stopping_after(8)))
    path = noise / "real" / "anna.png"
    facts = path.stat()
    data = bytearray(path.read_bytes())
    picture(path, 99)
    other = path.read_bytes()
    assert len(other) == len(data)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    prepare(wanted(noise, tmp_path / "out"))
    prepare(wanted(noise, tmp_path / "anew"))
    assert contents(tmp_path / "out") == contents(tmp_path / "anew")


def test_a_bad_sector_makes_one_file_unreadable_until_it_can_be_read(noise, tmp_path, monkeypatch):
    read = images.read_photograph

    def bad_sector(file):
        if file.name == "anna.png":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(file)

    with monkeypatch.context() as change:
        change.setattr(cropping.images, "read_photograph", bad_sector)
        first = prepare(wanted(noise, tmp_path / "out"))
    (entry,) = first.coverage.files
    assert (entry["file"], entry["status"]) == (
        "real/anna.png",
        "unreadable: Input/output error",
    )
    assert prepare(wanted(noise, tmp_path / "out")).newly_made
    prepare(wanted(noise, tmp_path / "whole"))
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_disk_that_is_pulled_out_is_not_a_bad_sector(noise, tmp_path, monkeypatch):
    def pulled_out(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def pulling(*arguments):
        with monkeypatch.context() as change:
            change.setattr(cropping.images, "read_photograph", pulled_out)
            change.setattr(source_content.os, "scandir", pulled_out)
            yield from here(*arguments)

    with pytest.raises(InputError, match=r"Input/output error.*Is the disk still there"):
        prepare(wanted(noise, tmp_path / "out", engine=pulling))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {work_folder.NAME}


def test_what_a_worker_died_of_is_tried_again(noise, tmp_path):
    def one_dies(tasks, *rest):
        for outcome in here(tasks, *rest):
            if tasks[outcome.number].source.relative == "real/anna.png":
                os.unlink(tasks[outcome.number].crop_file)
                yield Outcome(outcome.number, "the process that worked on it died twice")
            else:
                yield outcome

    first = prepare(wanted(noise, tmp_path / "out", engine=one_dies))
    assert list(first.coverage.unreadable) == ["real/anna.png"]
    again = prepare(wanted(noise, tmp_path / "out"))
    assert again.newly_made
    assert not again.coverage.unreadable


def test_many_unreadable_files_are_too_many(noise, tmp_path):
    (noise / "real" / "torn.png").write_bytes(b"\x89PNG")
    counted = prepare(wanted(noise, tmp_path / "out")).coverage
    assert coverage.too_many_unreadable(counted, 0.1) == ""
    said = coverage.too_many_unreadable(counted, 0.05)
    assert said == "1 of 11 files are unreadable, more than 5.0%"


def test_crops_of_other_options_are_not_taken(noise, tmp_path):
    with pytest.raises(Stopped):
        prepare(wanted(noise, tmp_path / "out", engine=stopping_after(8)))
    crops = cropping.CropOptions(stand_in.SIZE, 2, "png")
    prepare(wanted(noise, tmp_path / "out", crops=crops))
    prepare(wanted(noise, tmp_path / "anew", crops=crops))
    assert contents(tmp_path / "out") == contents(tmp_path / "anew")
    assert crop_sources.Cropper is stand_in.StandInCropper
