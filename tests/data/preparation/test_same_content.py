"""Copies in a source, and what its files tell without a face: from the files to the last words."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from jaxfake.data import source_table
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.layouts.registry import SourceOptions
from jaxfake.data.preparation import prepare as preparing
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.data.preparation.prepare import Preparation, prepare
from jaxfake.data.preparation.source_facts.attributes import measure_file
from jaxfake.data.preparation.splits import SplitShares, split_of
from jaxfake.evaluation.evidence import confounds
from jaxfake.runtime.errors import InputError
from tests.data.drawn import drawn_clip, drawn_photo
from tests.data.written import contents
from tests.processes import PATIENCE
from tests.project import ROOT

NAMES = ["anna", "bela", "cleo", "dora", "ella", "fini", "gina", "hana"]
PEOPLE = len(NAMES)
EVEN = SplitShares(0.4, 0.3, 0.3)
HALVES = SplitShares(0.5, 0.0, 0.5)


def save(path: Path, picture: np.ndarray, quality: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == ".jpg" else []
    assert cv2.imwrite(str(path), picture[..., ::-1], kind)
    return path


@pytest.fixture
def photos(tmp_path):
    """Photographs of real and of fake people, all of one format."""
    for person in range(PEOPLE):
        side = "fake/swap" if person % 2 else "real"
        save(tmp_path / "photos" / side / f"{NAMES[person]}.jpg", drawn_photo(person))
    return tmp_path / "photos"


def prepared(source: Path, out: Path, workers: int = 1, **options) -> preparing.Result:
    crops = CropOptions(size=64, frames=4, storage="png")
    wanted = Preparation(source, out, crops, shares=EVEN, workers=workers, **options)
    return prepare(wanted)


def rows(result: preparing.Result) -> dict[str, source_table.Source]:
    found = source_table.read(result.dataset)
    assert found is not None
    return {one.file: one for one in found}


def test_copies_of_a_photo_share_a_split_and_are_counted(photos, tmp_path, face_models):
    original = photos / "real" / f"{NAMES[0]}.jpg"
    picture = drawn_photo(0)
    for copy in ("zoe", "yara"):
        (photos / "real" / f"{copy}.jpg").write_bytes(original.read_bytes())
    save(photos / "real" / "xena.png", cv2.resize(picture, None, fx=0.6, fy=0.6))
    save(photos / "real" / "wilma.jpg", picture[6:-6, 6:-6], 60)
    result = prepared(photos, tmp_path / "out")
    same = [f"real/{name}" for name in ("anna.jpg", "zoe.jpg", "yara.jpg", "xena.png", "wilma.jpg")]
    found = rows(result)
    assert len({found[name].split for name in same}) == 1
    assert {found[name].identity for name in same} == {"anna"}
    assert len({one.identity for one in found.values()}) == PEOPLE
    joined = result.coverage.joined
    assert (joined["equal_files"], joined["near_copies"]) == (3, 2)
    assert (joined["joined_identities"], joined["joined_into"]) == (5, 1)


def test_a_fake_shares_the_split_of_the_photo_that_it_was_made_from(photos, tmp_path, face_models):
    """Whatever it is called: it is a near copy, and not refused."""
    forged = drawn_photo(2).copy()
    forged[110:140, 90:150] = forged[110:140, 90:150][:, ::-1]
    save(photos / "fake" / "swap" / "unrelated.jpg", forged)
    found = rows(prepared(photos, tmp_path / "out"))
    assert found["fake/swap/unrelated.jpg"].split == found["real/cleo.jpg"].split
    assert found["fake/swap/unrelated.jpg"].identity == found["real/cleo.jpg"].identity == "cleo"


@pytest.mark.parametrize("face", [True, False])
def test_one_content_under_both_labels_is_refused_before_any_work(photos, tmp_path, face):
    """A picture without a face too."""
    here = photos / "real" / "anna.jpg"
    if not face:
        save(here, np.tile(np.arange(90, dtype=np.uint8)[:, None, None], (1, 90, 3)))
    (photos / "fake" / "swap" / "zoe.jpg").write_bytes(here.read_bytes())
    with pytest.raises(
        InputError, match=r"real/anna\.jpg \(real\) and fake/swap/zoe\.jpg \(fake\)"
    ):
        prepared(photos, tmp_path / "out", face_models="/nowhere")
    assert not (tmp_path / "out").exists()


def test_the_same_bytes_for_any_number_of_processes(photos, tmp_path, face_models):
    save(photos / "real" / "zoe.png", drawn_photo(0))
    for name, workers in (("one", 1), ("two", 2)):
        prepared(photos, tmp_path / name, workers, confounds=confounds.by_split)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def video(path: Path, frames, quality: int = 95) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (width, height))
    writer.set(cv2.VIDEOWRITER_PROP_QUALITY, quality)
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def test_a_clip_that_moves_to_another_split_has_the_frames_of_that_split(tmp_path, face_models):
    """Real training clips have more frames, and so has a copy of one that its own name leads to test."""
    trained, tested = "anna", "bela"
    assert (split_of(trained, HALVES), split_of(tested, HALVES)) == ("train", "test")
    clip = drawn_clip(3, 8)
    video(tmp_path / "photos" / f"{trained}.avi", clip)
    video(tmp_path / "photos" / f"{tested}.avi", [frame[::2, ::2] for frame in clip], 70)
    crops = CropOptions(size=64, frames=3, storage="png", real_frames=5)
    real = SourceOptions(label="real")
    wanted = Preparation(
        tmp_path / "photos", tmp_path / "out", crops, source_options=real, shares=HALVES
    )
    result = prepare(wanted)
    assert result.coverage.joined["near_copies"] == 2
    assert result.coverage.coverage["train"]["real"]["crops"] == 5 + 5


def verb(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    flags = {"dataset": "folder", "source": source, "out": out, "size": 64, "workers": 1}
    command = [sys.executable, "-m", "jaxfake.prepare", *(f"--{k}={v}" for k, v in flags.items())]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def test_formats_that_give_the_label_away_are_warned_of(tmp_path, face_models):
    """Reals as JPEG of quality 40, fakes as PNG."""
    for person in range(6):
        name = NAMES[person]
        save(tmp_path / "photos" / "real" / f"{name}.jpg", drawn_photo(person), 40)
        save(tmp_path / "photos" / "fake" / f"{name}_.png", drawn_photo(person + 50))
    first = verb(tmp_path / "photos", tmp_path / "out")
    again = verb(tmp_path / "photos", tmp_path / "out")
    assert first.returncode == again.returncode == 0, first.stderr
    for done in (first, again):
        (warning,) = [
            line
            for line in done.stdout.splitlines()
            if "alone tell" in line and "AUC of 0.7" in line
        ]
        assert warning.startswith("Warning:")
        assert "file format (1.00)" in warning
        assert "file size (1.00)" in warning
    written = json.loads((tmp_path / "out" / "coverage.json").read_text())["confounds"]
    assert written["attributes"]["format"]["auc"] == 1.0
    assert written["attributes"]["format"]["warning"]
    assert set(written["splits"]) <= {"train", "val", "test"}


def test_files_of_one_kind_are_not_warned_of(photos, tmp_path, face_models):
    result = prepared(photos, tmp_path / "out", confounds=confounds.by_split)
    attributes = result.coverage.confounds["attributes"]
    assert "format" not in attributes
    assert "jpeg_quality" not in attributes
    assert attributes["brightness"]["n_real"] == attributes["brightness"]["n_fake"] == PEOPLE / 2


@pytest.mark.parametrize("quality", [10, 40, 50, 75, 90, 100])
def test_the_quality_of_a_jpeg_is_read_from_its_table(tmp_path, quality):
    path = save(tmp_path / "a.jpg", drawn_photo(0), quality)
    source = SourceFile(path, "a.jpg", 0, "real", "a", "a")
    found = measure_file(source)
    assert (found.format, found.jpeg_quality, found.is_clip) == ("JPEG", quality, 0.0)
    assert found.file_bytes == path.stat().st_size
    assert found.pixels == 256 * 256
