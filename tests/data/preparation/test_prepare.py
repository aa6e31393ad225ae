"""From files to a dataset: what a person would notice."""

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from jaxfake.data.dataset import open_split
from jaxfake.data.preparation import coverage, coverage_text, work_folder
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.data.preparation.prepare import Preparation, prepare
from jaxfake.data.preparation.splits import SplitShares
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.worker_pool import Limits
from tests.data.written import contents
from tests.held import held
from tests.processes import FOREVER, PATIENCE, until
from tests.project import ROOT


@pytest.fixture
def photos(tmp_path, shared_data, face_models):
    """A small source: photographs of eight people, real and fake, and a clip."""
    for n in range(8):
        kind = "fake/Swap" if n % 4 == 3 else "real"
        place = tmp_path / "photos" / kind / f"person{n}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shared_data / "photos" / "ffhq" / f"{n:04}.jpg", place)
    shutil.copy(
        shared_data / "real_clips" / "cropped02.mp4", tmp_path / "photos" / "real" / "clip.mp4"
    )
    shutil.copy(shared_data / "bad" / "no_face.png", tmp_path / "photos" / "real" / "wall.png")
    return tmp_path / "photos"


def wanted(source: Path, out: Path, **options) -> Preparation:
    crops = CropOptions(size=64, frames=3, storage="png")
    return Preparation(**{"source": source, "out": out, "crops": crops, "workers": 1, **options})


def test_a_dataset_is_made_found_and_counted(photos, tmp_path):
    result = prepare(wanted(photos, tmp_path / "out", workers=2))
    info = tfds.builder_from_directory(result.dataset).info
    written = {split: info.splits[split].num_examples for split in info.splits}
    counted = json.loads((tmp_path / "out" / "coverage.json").read_text())["coverage"]
    crops = {split: sum(n["crops"] for n in by.values()) for split, by in counted.items()}
    assert written == {split: n for split, n in crops.items() if n}
    assert sum(written.values()) == 8 + 3
    total = {}
    for by_method in counted.values():
        for method, count in by_method.items():
            row = total.setdefault(method, dict.fromkeys(count, 0))
            for key, n in count.items():
                row[key] += n
    assert total == {
        "real": {
            "expected": 8,
            "found": 7,
            "no_face": 1,
            "unreadable": 0,
            "frames": 10,
            "filled": 0,
            "crops": 9,
        },
        "Swap": {
            "expected": 2,
            "found": 2,
            "no_face": 0,
            "unreadable": 0,
            "frames": 2,
            "filled": 0,
            "crops": 2,
            "masks": 0,
            "masked_crops": 0,
            "beside_mask": 0,
        },
    }
    assert not (tmp_path / "out" / work_folder.NAME).exists()


def test_once_made_it_is_found_and_nothing_else_is_written_over_it(photos, tmp_path):
    out = tmp_path / "out"
    first = prepare(wanted(photos, out))
    before = contents(out)
    again = prepare(wanted(photos, out, workers=2))
    assert (again.newly_made, again.coverage, again.dataset) == (
        False,
        first.coverage,
        first.dataset,
    )
    with pytest.raises(InputError, match=r"prepared with size=64"):
        prepare(wanted(photos, out, crops=CropOptions(96, 3, "png")))
    (photos / "real" / "person0.jpg").unlink()
    with pytest.raises(InputError, match="other files"):
        prepare(wanted(photos, out))
    assert contents(out) == before


def test_a_name_that_is_no_text_is_refused_and_written_down(photos, tmp_path):
    (photos / "real" / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    result = prepare(wanted(photos, tmp_path / "out"))
    assert result.dataset is not None
    (refused,) = [e for e in result.coverage.files if e["status"].startswith("refused")]
    assert refused["file"].encode().isascii()
    assert coverage.read(tmp_path / "out") == result.coverage
    assert coverage_text.remarks(result.coverage)


def test_source_and_out_must_differ(photos):
    with pytest.raises(InputError, match="another folder"):
        prepare(wanted(photos, photos))


def test_two_preparations_do_not_share_a_folder(photos, tmp_path):
    out = tmp_path / "out"
    with work_folder.locked(out / work_folder.NAME), pytest.raises(InputError, match="at work"):
        prepare(wanted(photos, out))


def test_a_disk_without_locks_is_worked_on_and_said(photos, tmp_path, monkeypatch, capsys):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    out = tmp_path / "out"
    with work_folder.locked(out / work_folder.NAME), pytest.raises(InputError, match="at work"):
        prepare(wanted(photos, out))
    assert prepare(wanted(photos, out)).dataset is not None
    assert f"the disk of {out} has no locks" in capsys.readouterr().out
    assert not (out / work_folder.LEASE).exists()


def test_files_that_must_not_hurt(tmp_path, shared_data, face_models):
    """Every one of them, with 1 GB of memory each."""
    result = prepare(wanted(shared_data / "bad", tmp_path / "out", limits=Limits(FOREVER, 1 << 30)))
    said = {entry["file"]: entry["status"] for entry in result.coverage.files}
    beginnings = {
        "bomb.png": "unreadable: 60000 x 60000 pixels",
        "empty.mp4": "unreadable: the file is empty",
        "empty.png": "unreadable: the file is empty",
        "half.jpg": "unreadable: the picture is cut short",
        "no_face.mp4": "no_face",
        "no_face.png": "no_face",
        "scrambled.mp4": "unreadable: all ",
        "text_named.mp4": "unreadable: it is not an MP4",
        "truncated.mp4": "unreadable: it does not open",
    }
    assert sorted(said) == sorted(beginnings)
    for name, beginning in beginnings.items():
        assert said[name].startswith(beginning)
    crops = sum(count["real"]["crops"] for count in result.coverage.coverage.values())
    assert crops == 4  # grey16, rgba, tiny_face, two_faces: one face each


def test_without_any_face_there_is_no_dataset(tmp_path, shared_data, face_models):
    (tmp_path / "walls").mkdir()
    shutil.copy(shared_data / "bad" / "no_face.png", tmp_path / "walls")
    result = prepare(wanted(tmp_path / "walls", tmp_path / "out"))
    assert result.dataset is None
    (entry,) = coverage.read(tmp_path / "out").files
    assert (entry["file"], entry["status"]) == ("no_face.png", "no_face")


def command(source: Path, out: Path, workers: int) -> list[str]:
    flags = {"dataset": "folder", "source": source, "out": out, "size": 64, "frames": 3}
    given = [f"--{name}={value}" for name, value in flags.items()]
    return [sys.executable, "-m", "jaxfake.prepare", *given, f"--workers={workers}"]


@pytest.mark.slow
def test_killed_at_any_instant_it_ends_with_the_same_bytes(photos, tmp_path, processes):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(photos, whole, 1), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    work = work_folder.NAME
    instants = [work, f"{work}/*.npz", f"{work}/dataset"]
    for n, sign in enumerate(instants):
        before = set(killed.glob(sign))
        run = processes.start(
            command(photos, killed, workers=1 + n % 3), cwd=ROOT, stdout=subprocess.DEVNULL
        )
        until(lambda: run.poll() is not None or set(killed.glob(sign)) - before)  # noqa: B023
        run.kill()
        run.wait()
    subprocess.run(command(photos, killed, 2), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    assert contents(killed) == contents(whole)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_clean_and_says_how_to_go_on(photos, tmp_path, how, processes):
    at_the_first_unit = ("jaxfake.runtime.progress:Progress.advance", 1, tmp_path / "held")
    there = held(*at_the_first_unit, command(photos, tmp_path / "out", 1))
    run = processes.start(there, cwd=ROOT, stderr=subprocess.PIPE)
    until((tmp_path / "held").exists, run)
    os.kill(run.pid, how)
    _, said = run.communicate(timeout=PATIENCE)
    assert run.returncode == 75
    assert "run the same again" in said
    assert "Traceback" not in said
    result = prepare(wanted(photos, tmp_path / "out"))
    assert sum(n["crops"] for by in result.coverage.coverage.values() for n in by.values()) == 11


def test_the_manifest_names_files_and_settings_and_goes_into_the_data_hash(photos, tmp_path):
    def made(name: str, **options) -> tuple[str, str]:
        result = prepare(wanted(photos, tmp_path / name, **options))
        opened = open_split(tmp_path / name, "train", 64)
        return result.coverage.manifest, opened.digest

    first = made("first")
    assert made("again") == first
    others = [made("fewer", crops=CropOptions(64, 2, "png"))]
    with (photos / "real" / "person0.jpg").open("ab") as file:
        file.write(b"\0")  # of no meaning to the picture, but another file
    others.append(made("edited"))
    for manifest, fingerprint in others:
        assert manifest != first[0]
        assert fingerprint != first[1]


def test_more_frames_of_a_real_training_clip_if_asked(photos, tmp_path):
    crops = CropOptions(64, 2, "png", real_frames=5)
    shares = SplitShares(1.0, 0.0, 0.0)
    result = prepare(wanted(photos, tmp_path / "out", crops=crops, shares=shares))
    assert result.coverage.coverage["train"]["real"]["crops"] == 6 + 5
    crops = CropOptions(64, 2, "png", real_frames=5)
    shares = SplitShares(0.0, 0.0, 1.0)
    result = prepare(wanted(photos, tmp_path / "test", crops=crops, shares=shares))
    assert result.coverage.coverage["test"]["real"]["crops"] == 6 + 2
