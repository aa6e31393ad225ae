"""WildDeepfake (Zi et al., 2020): faces from videos on the internet, cropped by its authors.

    SOURCE/fake_train/1.tar.gz               unpacked in its folder gives
    SOURCE/fake_train/1/fake/1064/0.png      archive 1, sequence 1064, frame 0
    SOURCE/real_train, fake_test, real_test  the same

What is a video elsewhere is called a sequence here: the folder of its frames is one file of the listing.
Only train and test are official; there is no validation split. Our choice: the identity is the archive that
a sequence came in. Whether a number in two of the four folders means the same video is unknown, so the
folder is part of the identity. How a fake was made is unknown: the method of all is 'wilddeepfake'.
"""

from collections.abc import Iterator
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import layout_errors, packed_archives
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile
from jaxfake.data.layouts.safe_paths import visible
from jaxfake.data.layouts.untrusted_input import frame_names, frames_fault, is_plain, shown
from jaxfake.runtime.errors import InputError

METHOD = "wilddeepfake"

FOLDERS = ("fake_test", "fake_train", "real_test", "real_train")
"""The folders; each name is class and split."""

_NAME = "WildDeepfake"
_LAYOUT = (
    "real_train/, fake_train/, real_test/, fake_test/ with ARCHIVE/CLASS/SEQUENCE/*.png in them"
)

_NOT_THERE, _EMPTY = "it is not there", "it holds no sequence"
_MISSING = (_NOT_THERE, _EMPTY, packed_archives.PACKED)


def list_wilddeepfake(root: Path, protocol: Path | None) -> Listing:
    """The sequences of the existing folders.

    Args:
        root: of the dataset.
        protocol: has to be None; the splits are the dataset's folders.

    Raises:
        InputError: the folders are missing, archives are not unpacked, or a class contradicts itself.
    """
    if protocol:
        raise InputError(
            f"--protocol={protocol}: WildDeepfake has its splits in its folders; leave it out"
        )
    root = root.resolve()
    files: list[SourceFile] = []
    refused: list[Excluded] = []
    missing: list[Excluded] = []
    for name in FOLDERS:
        if (root / name).is_dir():
            for file in _sequences(root, root / name):
                if isinstance(file, SourceFile):
                    files.append(file)
                else:
                    (missing if file.reason in _MISSING else refused).append(file)
        else:
            missing.append(Excluded(name, _NOT_THERE))
    if not files:
        raise layout_errors.no_video(root, _NAME, _LAYOUT, refused, "sequence")
    files.sort(key=lambda file: file.relative)
    return Listing(files, refused, "by the folders of WildDeepfake", missing=missing)


def _sequences(root: Path, folder: Path) -> Iterator[SourceFile | Excluded]:
    """The sequences of one class and split."""
    entries = visible(folder)
    videos = [path for path in entries if path.is_dir()]
    packed = [path for path in entries if packed_archives.is_archive(path)]
    if packed and not videos:
        raise InputError(
            f"{folder} holds only archives: unpack them there ({shown(packed[0].name)}); "
            f"expected: {_LAYOUT}"
        )
    if not videos:
        yield Excluded(folder.name, _EMPTY)
    for path in entries:
        if path in packed and path.with_name(path.name.partition(".")[0]) not in videos:
            yield Excluded(_relative(root, path), packed_archives.PACKED)
        elif not path.is_dir() and path not in packed:
            yield Excluded(
                _relative(root, path), "a folder of an unpacked archive is expected here"
            )
    for video in videos:
        yield from _video(root, folder.name, video)


def _video(root: Path, place: str, video: Path) -> Iterator[SourceFile | Excluded]:
    kind, _, split = place.partition("_")
    if not any(visible(inner) for inner in visible(video) if inner.is_dir()):
        yield Excluded(_relative(root, video), _EMPTY)
    for inner in visible(video):
        if inner.name in ("real", "fake") and inner.name != kind:
            raise InputError(
                f"{inner} contradicts itself, {place} and {inner.name}: get that archive again"
            )
        if inner.name != kind or not inner.is_dir():
            yield Excluded(_relative(root, inner), f"a folder {kind} is expected here")
            continue
        for clip in visible(inner):
            yield _sequence(root, clip, kind, split)
            yield from _other_files(root, clip)


def _other_files(root: Path, clip: Path) -> Iterator[Excluded]:
    """Files in the folder of a sequence that are not its pictures."""
    if not frames_fault(clip):
        pictures = frame_names(clip)
        for path in visible(clip):
            if path.name not in pictures:
                yield Excluded(_relative(root, path), "it is not a picture")


def _sequence(root: Path, clip: Path, kind: str, split: str) -> SourceFile | Excluded:
    relative = _relative(root, clip)
    if not clip.is_dir():
        return Excluded(relative, "a folder of pictures is expected here")
    reason = frames_fault(clip)
    if not reason and not all(map(is_plain, clip.relative_to(root).parts)):
        reason = "its name cannot be printed"
    if reason:
        return Excluded(relative, reason)
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
