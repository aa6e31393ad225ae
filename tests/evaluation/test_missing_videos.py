"""Names of videos without a face, against those that the folder's own listing gives."""

import dataclasses

import pytest

from jaxfake.data.layouts.own_files.folder import list_folder
from jaxfake.data.preparation import coverage
from jaxfake.data.preparation.coverage import CoverageRow
from jaxfake.data.preparation.crop_files import CropStatus
from jaxfake.evaluation.missing_videos import missing_videos

FOUND, FACELESS, BROKEN = (
    CropStatus(3, 3, 3, 0, 9, ""),
    CropStatus(3, 3, 0, 0, 0, ""),
    CropStatus(0, 0, 0, 0, 0, "it is empty"),
)


def prepare(tmp_path, make_dataset, files, rule="", label=None):
    """A dataset as `jaxfake.prepare` leaves it, with the given status of each file."""
    source = tmp_path / "source"
    for name in files:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    listing = list_folder(source, rule, label)
    settings = {"identity": rule, "label": listing.label}
    rows = [CoverageRow(file, "test", files[file.relative]) for file in listing.files]
    coverage.write(tmp_path, coverage.summarise("source", settings, {}, "0", listing, rows))
    found = [row.source for row in rows if row.status.crops]
    videos = [(file.method, file.video_id, file.label, 1) for file in found]
    dataset = make_dataset(videos, dataset="source")
    dataset = dataclasses.replace(dataset, folder=tmp_path / "folder" / "1.0.0")
    lost = [row for row in rows if not row.status.crops]
    return dataset, sorted(lost, key=lambda row: (row.status.word, row.source.relative))


@pytest.mark.parametrize("rule", ["", "parent", r"(p\d)"])
def test_names_labels_and_identities_are_those_of_the_listing(tmp_path, make_dataset, rule):
    files = {
        "real/p1/a.jpg": FOUND,
        "real/p1/b.mp4": FACELESS,
        "real/p2/same.jpg": FOUND,  # shares its stem with the next
        "real/p2/same.mp4": FACELESS,
        "real/p2/c.d.mp4": FACELESS,
        "fake/swap/p1/x.mp4": BROKEN,
        "fake/swap/p1/x.png": BROKEN,
        "fake/swap/p3/y.mp4": FACELESS,
        "fake/Blend/p4/z.mp4": FACELESS,
    }
    dataset, lost = prepare(tmp_path, make_dataset, files, rule)
    missing = missing_videos(dataset)
    for name in ("method", "video_id", "identity", "label"):
        expected = [getattr(row.source, name) for row in lost]
        assert getattr(missing, name).tolist() == expected
    assert missing.status.tolist() == [row.status.word for row in lost]
    assert set(missing.dataset) == {"source"}


@pytest.mark.parametrize(("label", "expected"), [(None, 0), ("fake", 1), ("unknown", -1)])
def test_a_folder_of_one_label_has_it_for_all(tmp_path, make_dataset, label, expected):
    files = {"a.jpg": FOUND, "b.jpg": FACELESS}
    dataset, _ = prepare(tmp_path, make_dataset, files, label=label)
    assert missing_videos(dataset).label.tolist() == [expected]


def test_other_splits_short_videos_and_other_datasets_do_not_count(tmp_path, make_dataset):
    files = {"a.mp4": CropStatus(30, 3, 2, 0, 9, ""), "b.jpg": FACELESS}
    dataset, _ = prepare(tmp_path, make_dataset, files)
    assert missing_videos(dataset).video_id.tolist() == ["b"]
    assert not len(missing_videos(dataclasses.replace(dataset, split="val")).label)
    other = make_dataset([("real", "a", 0, 1)], dataset="toyfaces")
    beside = dataclasses.replace(other, folder=tmp_path / "toyfaces" / "1.0.0")
    assert not len(missing_videos(beside).label)


def test_without_coverage_nothing_is_missing(dataset):
    assert not len(missing_videos(dataset).label)
