"""WildDeepfake (Zi et al., 2020): faces from videos of the internet, cropped by its authors.

    SOURCE/fake_train/1.tar.gz               unpacked in its folder gives
    SOURCE/fake_train/1/fake/1064/0.png      archive 1, sequence 1064, frame 0
    SOURCE/real_train, fake_test, real_test  the same

A sequence is what others call a video: the folder of its frames is one file of the listing. Only train and
test are official, there is no validation. Our choice: the identity is the archive that a sequence came in;
whether a number in two of the four folders is the same video is not told, so each folder counts for itself.
How a fake was made is not told: the method of all of them is 'wilddeepfake'.
"""

from collections.abc import Iterator
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import archives, expected
from jaxfake.data.layouts.inside import visible
from jaxfake.data.layouts.listing import Listing, Refused, SourceFile
from jaxfake.data.layouts.untrusted import frame_names, frames_fault, is_plain, shown
from jaxfake.runtime.errors import InputError

METHOD = "wilddeepfake"

FOLDERS = ("fake_test", "fake_train", "real_test", "real_train")
"""Class and split."""

_NAME = "WildDeepfake"
_LAYOUT = (
    "real_train/, fake_train/, real_test/, fake_test/ with ARCHIVE/CLASS/SEQUENCE/*.png in them"
)

_NOT_THERE, _EMPTY = "it is not there", "it holds no sequence"
_MISSING = (_NOT_THERE, _EMPTY, archives.PACKED)


def list_wilddeepfake(root: Path, protocol: Path | None) -> Listing:
    """The sequences of the folders that are there.

    Args:
        root: of the dataset.
        protocol: None; the splits are the dataset's folders.

    Raises:
        InputError: the layout is not there, archives are not unpacked, or a class contradicts itself.
    """
    if protocol:
        raise InputError(
            f"--protocol={protocol}: WildDeepfake has its splits in its folders; leave it out"
        )
    root = root.resolve()
    files: list[SourceFile] = []
    refused: list[Refused] = []
    missing: list[Refused] = []
    for name in FOLDERS:
        if (root / name).is_dir():
            for file in _sequences(root, root / name):
                if isinstance(file, SourceFile):
                    files.append(file)
                else:
                    (missing if file.why in _MISSING else refused).append(file)
        else:
            missing.append(Refused(name, _NOT_THERE))
    if not files:
        raise expected.no_video(root, _NAME, _LAYOUT, refused, "sequence")
    files.sort(key=lambda file: file.relative)
    return Listing(files, refused, 0, "by the folders of WildDeepfake", missing=missing)


def _sequences(root: Path, folder: Path) -> Iterator[SourceFile | Refused]:
    """Of one class and split."""
    inside = visible(folder)
    videos = [path for path in inside if path.is_dir()]
    packed = [path for path in inside if archives.is_archive(path)]
    if packed and not videos:
        raise InputError(
            f"{folder} holds only archives: unpack them there ({shown(packed[0].name)}); "
            f"expected are {_LAYOUT}"
        )
    if not videos:
        yield Refused(folder.name, _EMPTY)
    for path in inside:
        if path in packed and path.with_name(path.name.partition(".")[0]) not in videos:
            yield Refused(_relative(root, path), archives.PACKED)
        elif not path.is_dir() and path not in packed:
            yield Refused(_relative(root, path), "expected here is a folder of an unpacked archive")
    for video in videos:
        yield from _video(root, folder.name, video)


def _video(root: Path, place: str, video: Path) -> Iterator[SourceFile | Refused]:
    kind, _, split = place.partition("_")
    if not any(visible(inner) for inner in visible(video) if inner.is_dir()):
        yield Refused(_relative(root, video), _EMPTY)
    for inner in visible(video):
        if inner.name in ("real", "fake") and inner.name != kind:
            raise InputError(
                f"{inner} contradicts itself, {place} and {inner.name}: get that archive again"
            )
        if inner.name != kind or not inner.is_dir():
            yield Refused(_relative(root, inner), f"expected here is a folder {kind}")
            continue
        for clip in visible(inner):
            yield _sequence(root, clip, kind, split)
            yield from _strangers(root, clip)


def _strangers(root: Path, clip: Path) -> Iterator[Refused]:
    """What lies among the pictures of a sequence."""
    if not frames_fault(root, clip):
        pictures = frame_names(clip)
        for path in visible(clip):
            if path.name not in pictures:
                yield Refused(_relative(root, path), "it is no picture")


def _sequence(root: Path, clip: Path, kind: str, split: str) -> SourceFile | Refused:
    relative = _relative(root, clip)
    if not clip.is_dir():
        return Refused(relative, "expected here is a folder of pictures")
    why = frames_fault(root, clip)
    if not why and not all(map(is_plain, clip.relative_to(root).parts)):
        why = "its name cannot be printed"
    if why:
        return Refused(relative, why)
    video = clip.parents[1].name
    real = kind == "real"
    return SourceFile(
        path=clip,
        relative=relative,
        label=schema.REAL if real else schema.FAKE,
        method=schema.REAL_METHOD if real else METHOD,
        identity=f"{kind}_{split}/{video}",
        video_id=f"{split}/{video}/{clip.name}",
        split=split,
    )


def _relative(root: Path, path: Path) -> str:
    return shown(path.relative_to(root).as_posix())
