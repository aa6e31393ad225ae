"""Every file that must not hurt, dropped into datasets: named with its reason, and nothing else changes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jaxfake.data.dataset import open_split
from jaxfake.data.preparation import coverage
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.data.preparation.prepare import Preparation, prepare
from tests.data.layouts.trees import TREES
from tests.processes import PATIENCE
from tests.project import ROOT

GOOD = ("cropped01", "cropped02")
"""Short clips: the real video and the fake that are left as they are."""


def ffpp(root: Path, count: int) -> tuple[Path, Path, list[str]]:
    """Folders of the reals and of the fakes, and names of fakes; the first is made from the real one."""
    (root / "splits").mkdir(parents=True)
    pairs = [[f"{2 * n:03}", f"{2 * n + 1:03}"] for n in range(count)]
    for split in ("train", "val", "test"):
        text = json.dumps(pairs if split == "train" else [])
        (root / "splits" / f"{split}.json").write_text(text)
    reals = root / "original_sequences/youtube/c23/videos"
    return (
        reals,
        root / "manipulated_sequences/Deepfakes/c23/videos",
        [f"{'_'.join(pair)}.mp4" for pair in pairs],
    )


def celebdf(root: Path, count: int) -> tuple[Path, Path, list[str]]:
    TREES["celebdf"](root)
    for path in root.rglob("*.mp4"):
        path.unlink()
    return (
        root / "Celeb-real",
        root / "Celeb-synthesis",
        [f"id{n}_id99_0000.mp4" for n in range(count)],
    )


def dfdc(root: Path, count: int) -> tuple[Path, Path, list[str]]:
    part = root / "dfdc_train_part_0"
    part.mkdir(parents=True)
    names = [f"fake{n}.mp4" for n in range(count)]
    entries = {name: {"label": "FAKE", "original": "real.mp4"} for name in names}
    (part / "metadata.json").write_text(json.dumps(entries | {"real.mp4": {"label": "REAL"}}))
    return part, part, names


LAYOUTS = {
    "ffpp": (ffpp, "000.mp4"),
    "celebdf": (celebdf, "id0_0000.mp4"),
    "dfdc": (dfdc, "real.mp4"),
}
"""How a tree is planted, and the name of its one real video."""


def prepared(dataset: str, source: Path, out: Path):
    crops = CropOptions(size=64, frames=3, storage="png")
    return prepare(Preparation(source, out, crops, dataset, workers=1))


def crops(out: Path) -> dict[tuple[int, int], bytes]:
    """Bytes of the crops by label and frame."""
    found = {}
    for split in ("train", "val", "test"):
        if (out / "folder").exists() and any((out / "folder").rglob(f"*-{split}.*")):
            rows = open_split(out, split, 64)
            for row in range(len(rows)):
                one = rows[row]
                found[int(one.label), int(one.frame)] = one.image.tobytes()
    return found


@pytest.fixture(scope="module")
def good(tmp_path_factory, shared_data, face_models):
    """The crops of the two clips by themselves: no layout changes them."""
    above = tmp_path_factory.mktemp("good")
    for kind, clip in zip(("real", "fake"), GOOD, strict=True):
        (above / "clips" / kind).mkdir(parents=True)
        shutil.copy(shared_data / "real_clips" / f"{clip}.mp4", above / "clips" / kind)
    prepared("folder", above / "clips", above / "out")
    found = crops(above / "out")
    assert sorted(label for label, _ in found) == [0, 0, 0, 1, 1, 1]
    return found


@pytest.mark.parametrize("dataset", LAYOUTS)
def test_bad_files_beside_the_videos_and_in_their_place(dataset, good, shared_data, tmp_path):
    source, out = tmp_path / dataset, tmp_path / "out"
    source.mkdir()
    bad = sorted((shared_data / "bad").iterdir())
    plant, real = LAYOUTS[dataset]
    reals, fakes, names = plant(source, 1 + len(bad))
    for folder in (reals, fakes):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(shared_data / "real_clips" / f"{GOOD[0]}.mp4", reals / real)
    shutil.copy(shared_data / "real_clips" / f"{GOOD[1]}.mp4", fakes / names[0])
    for path, name in zip(bad, names[1:], strict=True):
        for folder in {reals, fakes}:
            shutil.copy(path, folder / path.name)
        shutil.copy(path, fakes / name)
    result = prepared(dataset, source, out)
    assert crops(out) == good
    said = {entry["file"]: entry["status"] for entry in result.coverage.files}
    for path, name in zip(bad, names[1:], strict=True):
        for folder in {reals, fakes}:
            beside = said[(folder / path.name).relative_to(source).as_posix()]
            assert beside.startswith("refused: "), path.name
        status = said[(fakes / name).relative_to(source).as_posix()]
        assert (
            status == "no_face" if path.name == "no_face.mp4" else status.startswith("unreadable: ")
        )
    assert result.coverage.source["refused"] == len(bad) * len({reals, fakes})
    counts = [by for split in result.coverage.coverage.values() for by in split.values()]
    totals = {key: sum(count[key] for count in counts) for key in coverage.COUNTS[:4]}
    assert totals == {
        "expected": 2 + len(bad),
        "found": 2,
        "no_face": 1,
        "unreadable": len(bad) - 1,
    }
    if dataset == "ffpp":
        strict_ends_with_one_line(source, out)


def strict_ends_with_one_line(source: Path, out: Path) -> None:
    """The same again at the terminal, where the dataset is there already."""
    flags = ("--dataset=ffpp", f"--source={source}", f"--out={out}", "--size=64", "--frames=3")
    command = [sys.executable, "-m", "jaxfake.prepare", *flags, "--strict=0.95"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    progress, error = done.stderr.strip().splitlines()  # what was unreadable is looked at again
    assert progress.startswith("faces: ")
    assert "Deepfakes of train: 1 of 28 videos gave a face" in error
    assert "missing  official" in done.stdout
    assert "unreadable (12):" in done.stdout
