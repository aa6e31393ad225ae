"""Archives that were left beside the videos: whole, cut short, or not wholly there."""

import io
import tarfile
import zipfile

import pytest

from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from tests.data.layouts.trees import TREES, touch


def packed(opened):
    """A zip or tar with a file in it."""
    data = io.BytesIO()
    with opened(data) as archive:
        if isinstance(archive, zipfile.ZipFile):
            archive.writestr("004.mp4", b"0" * 3000)
        else:
            member = tarfile.TarInfo("004.mp4")
            member.size = 3000
            archive.addfile(member, io.BytesIO(b"0" * 3000))
    return data.getvalue()


@pytest.mark.parametrize("dataset", TREES)
def test_archives_beside_the_videos_are_named(tmp_path, dataset):
    root = tmp_path
    TREES[dataset](root)
    zipped = packed(lambda data: zipfile.ZipFile(data, "w"))
    tarred = packed(lambda data: tarfile.open(fileobj=data, mode="w"))  # noqa: SIM115
    (root / "unpacked").mkdir()
    touch(root, "unpacked/x")
    for name, data in {
        "whole.zip": zipped,
        "cut.zip": zipped[:-30],
        "unpacked.zip": zipped,
        "whole.tar": tarred,
        "cut.tar": tarred[:1500],
        "no.tar.gz": b"<html>",
        "some.zip.part": zipped[:50],
    }.items():
        (root / name).write_bytes(data)
    listing = list_source(dataset, root, DEFAULT_OPTIONS)
    said = {item.relative: item.reason.partition(":")[0] for item in listing.refused}
    cut = "it is an archive that is cut short"
    assert said == {
        "whole.zip": "it is not unpacked",
        "cut.zip": cut,
        "whole.tar": "it is not unpacked",
        "cut.tar": cut,
        "no.tar.gz": cut,
        "some.zip.part": "its download did not finish",
    }
    assert listing.files


def test_an_archive_of_dfdc_is_unpacked_if_its_part_is_there(tmp_path):
    TREES["dfdc"](tmp_path)
    for name in ("00", "0", "10", "01"):
        with zipfile.ZipFile(tmp_path / f"dfdc_train_part_{name}.zip", "w"):
            pass
    said = [item.relative for item in list_source("dfdc", tmp_path, DEFAULT_OPTIONS).refused]
    assert said == ["dfdc_train_part_01.zip", "dfdc_train_part_10.zip"]
