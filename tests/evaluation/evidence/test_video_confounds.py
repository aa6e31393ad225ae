"""What the files alone tell, beside the results on the same videos."""

import dataclasses
import json

import pytest

from jaxfake.data import source_table
from jaxfake.data.preparation.source_facts.attributes import FileAttributes
from jaxfake.data.source_table import Source
from jaxfake.evaluation import detection
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.result_files import Provenance
from jaxfake.reporting.confounds_section import confounds_section, confounds_warning
from jaxfake.runtime.errors import InputError
from tests.in_memory import build_dataset, random_scores

ORIGIN = Provenance("config", "train", "data", "", "", "detect", 7)
VIDEOS = [("real", f"{n:03}", 0, 2) for n in range(8)] + [
    ("lips", f"{n:03}", 1, 2) for n in range(8)
]


def sources() -> list[Source]:
    """Larger files for fakes; in the other split it is the other way round, and one is not scored."""
    return [
        Source(
            file=f"{method}/{video}.mp4",
            split=split,
            method=method,
            label=label,
            video_id=video,
            identity=f"person {video}",
            content="",
            status="ok",
            attributes=FileAttributes(
                format="mp4 avc1", file_bytes=1000.0 + (1 if split == "test" else -1) * 900 * label
            ),
        )
        for split in ("train", "test")
        for method, video, label, _ in [*VIDEOS, ("eyes", "000", 1, 2)]
    ]


@pytest.fixture
def faces(tmp_path):
    source_table.write(tmp_path, sources())
    return dataclasses.replace(build_dataset(VIDEOS), folder=tmp_path)


def test_results_state_it_for_the_videos_that_are_scored(faces, tmp_path):
    result = detection.measure(faces, random_scores(faces), "mean")
    detection.write_files(tmp_path, faces, result, ORIGIN, {})
    written = json.loads((tmp_path / "metrics.json").read_text())["confounds"]
    size = written["attributes"]["file_bytes"]
    assert (size["auc"], size["larger_in"]) == (1.0, "fake")
    assert (size["n_real"], size["n_fake"]) == (8, 8)
    (warning,) = confounds_warning(result.confounds)
    assert "file size (1.00)" in warning
    section = confounds_section(result.confounds, "the detector", result.overall.video.auc)
    rows = [row[0] for row in section.blocks[0].rows]
    assert rows[:2] == ["the detector", "file size"]
    assert section.paragraphs == (warning,)


def test_without_a_table_it_is_said_not_to_be_measured(tmp_path):
    faces = dataclasses.replace(build_dataset(VIDEOS), folder=tmp_path)
    result = detection.measure(faces, random_scores(faces), "mean")
    assert isinstance(result.confounds, Undefined)
    detection.write_files(tmp_path, faces, result, ORIGIN, {})
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["confounds"] is None
    assert "no table of its source files" in written["confounds_reason"]
    section = confounds_section(result.confounds, "the detector", result.overall.video.auc)
    assert section.paragraphs[0].startswith("Not measured: ")
    assert confounds_warning(result.confounds) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "{}",
        lambda text: text[:-40],
        lambda text: text.replace('"mp4 avc1"', "7"),
        lambda text: text.replace('"test"', "null"),
        lambda text: text.replace('"columns"', '"column"'),
        lambda text: "[" * 100_000,
    ],
)
def test_a_damaged_table_is_named(faces, tmp_path, damage):
    path = tmp_path / source_table.FILE_NAME
    path.write_text(damage(path.read_text()))
    with pytest.raises(InputError, match=source_table.FILE_NAME):
        source_table.read(tmp_path)


def test_the_table_is_read_as_it_was_written(faces, tmp_path):
    assert source_table.read(tmp_path) == sources()
