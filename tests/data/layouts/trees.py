"""The smallest tree of each dataset, of empty files in its official layout."""

import json
from collections.abc import Callable
from pathlib import Path

FRAMES = "FaceForensics++/original_sequences/youtube/c23/frames/071"


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def ffpp(root: Path) -> None:
    touch(
        root,
        *(f"original_sequences/youtube/c23/videos/{one}.mp4" for one in ("000", "003")),
        *(
            f"manipulated_sequences/Deepfakes/c23/videos/{one}.mp4"
            for one in ("000_003", "003_000")
        ),
    )
    (root / "splits").mkdir()
    for split, pair in (
        ("train", ["071", "054"]),
        ("val", ["004", "982"]),
        ("test", ["000", "003"]),
    ):
        (root / "splits" / f"{split}.json").write_text(json.dumps([pair]))


def dfd(root: Path) -> None:
    fakes = "manipulated_sequences/DeepFakeDetection/c23/videos"
    touch(root, f"{fakes}/01_02__kitchen_pan__YVGY8LOK.mp4")
    touch(root, "original_sequences/actors/c23/videos/01__kitchen_pan.mp4")


def celebdf(root: Path) -> None:
    """Of the first version, whose list is the shorter one."""
    reals = [f"Celeb-real/id{n}_0000.mp4" for n in range(8)]
    reals += [f"YouTube-real/{n:05}.mp4" for n in range(30)]
    fakes = [f"Celeb-synthesis/id{n}_id99_0000.mp4" for n in range(62)]
    touch(root, *reals, *fakes)
    lines = [f"1 {name}" for name in reals] + [f"0 {name}" for name in fakes]
    (root / "List_of_testing_videos.txt").write_text("\n".join(lines))


def dfdc(root: Path) -> None:
    entries = {
        "a.mp4": {"label": "FAKE", "split": "train", "original": "r.mp4"},
        "r.mp4": {"label": "REAL", "split": "train"},
    }
    touch(root / "dfdc_train_part_0", *entries)
    (root / "dfdc_train_part_0" / "metadata.json").write_text(json.dumps(entries))


def dfdc_preview(root: Path) -> None:
    entries = {
        "original_videos/1/x.mp4": {"label": "real", "set": "train"},
        "method_A/1/y.mp4": {"label": "fake", "set": "train"},
    }
    touch(root, *entries)
    (root / "dataset.json").write_text(json.dumps(entries))


def deeperforensics(root: Path) -> None:
    names = {"train": "000_M101.mp4", "val": "980_W010.mp4", "test": "103_W018.mp4"}
    for split, name in names.items():
        touch(root, f"manipulated_videos/end_to_end/{name}", f"lists/splits/{split}.txt")
        (root / "lists" / "splits" / f"{split}.txt").write_text(name)


def wilddeepfake(root: Path) -> None:
    for kind in ("real", "fake"):
        touch(root, *(f"{kind}_{split}/1/{kind}/7/0.png" for split in ("train", "test")))


def deepfakebench(root: Path) -> None:
    touch(root, f"{FRAMES}/000.png")
    video = {"label": "FF-real", "frames": [f"/home/author/{FRAMES}/000.png"]}
    (root / "dataset_json").mkdir()
    lists = {"FF-DF": {"FF-real": {"train": {"c23": {"071": video}}}}}
    (root / "dataset_json" / "FF-DF.json").write_text(json.dumps(lists))


TREES: dict[str, Callable[[Path], None]] = {
    tree.__name__: tree
    for tree in (
        ffpp,
        dfd,
        celebdf,
        dfdc,
        dfdc_preview,
        deeperforensics,
        wilddeepfake,
        deepfakebench,
    )
}
