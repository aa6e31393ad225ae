"""Celeb-DF v1 and v2 (Li et al., 2020) as their archives are laid out.

    SOURCE/Celeb-real/id0_0001.mp4
    SOURCE/YouTube-real/00170.mp4
    SOURCE/Celeb-synthesis/id0_id16_0001.mp4      id0_0001.mp4 with the face of id16
    SOURCE/List_of_testing_videos.txt             lines such as '1 Celeb-real/id0_0001.mp4'

In the list 1 is real and 0 is fake, the opposite of our labels. Every line is checked against the folders,
and the counts tell the version; a list with other counts is not the official one.

Our choices: videos that the list does not name are called train. Do not train on them to test on the list:
the same celebrities are in both. The identity is the target; each video of YouTube-real has its own. The
original of a fake is the target's video of the same number.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import clips, layout_errors, missing_files, safe_paths
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile, separate
from jaxfake.data.layouts.untrusted_input import brief, read_text, shown
from jaxfake.runtime.errors import InputError

CELEB, YOUTUBE, SYNTHESIS = "Celeb-real", "YouTube-real", "Celeb-synthesis"
LIST = "List_of_testing_videos.txt"
TRAIN, TEST = "train", "test"

_NAMES = {
    CELEB: re.compile(r"(id\d+)_\d{4}"),
    YOUTUBE: re.compile(r"(\d{5})"),
    SYNTHESIS: re.compile(r"(id\d+)_id\d+_(\d{4})"),
}

_NAME = "Celeb-DF"
_LAYOUT = f"{CELEB}/id0_0000.mp4, {YOUTUBE}/00000.mp4, {SYNTHESIS}/id0_id1_0000.mp4 and {LIST}"


@dataclasses.dataclass(frozen=True)
class _Version:
    """The official numbers of videos."""

    name: str
    real: int  # videos in both folders of reals
    fake: int
    test_real: int  # of these, in the test list
    test_fake: int


_V1 = _Version("v1", 408, 795, 38, 62)
_V2 = _Version("v2", 890, 5639, 178, 340)
_UNKNOWN = dataclasses.replace(_V2, name="of unknown version (compared with v2)")
_V2_CELEB = 108
"""Of the reals in the test list of v2, those in Celeb-real."""


def list_celebdf(
    root: Path, protocol: Path | None = None, drop_youtube: bool = False, subset: bool = False
) -> Listing:
    """The videos of all three folders: those in the official list are test, the others train.

    Args:
        root: of the dataset.
        protocol: folder of List_of_testing_videos.txt; None is the root.
        drop_youtube: leave out the videos of YouTube-real in the list, as some evaluations do.
        subset: whether the list may be a part of the official one; it is then compared with that of v2.

    Raises:
        InputError: the folders or the official list are missing.
    """
    root = root.resolve()
    if not all((root / folder).is_dir() for folder in _NAMES):
        raise layout_errors.wrong_root(root, _NAME, _LAYOUT)
    tested = _read_list((protocol or root) / LIST)
    version = _version(tested, (protocol or root) / LIST, subset)
    places = {folder: clips.within(root / folder) for folder in _NAMES}
    files, refused = separate(
        _file(root, path, places, folder, tested)
        for folder, place in places.items()
        for path in safe_paths.visible(place)
    )
    if drop_youtube:
        files, dropped = _without_youtube(files)
        refused = sorted([*refused, *dropped], key=lambda item: item.relative)
    if not files:
        raise layout_errors.no_video(root, _NAME, _LAYOUT, refused)
    of_test = f"without {YOUTUBE}" if drop_youtube else f"with {YOUTUBE}"
    label = f"by the layout of Celeb-DF {version.name}, test {of_test}"
    official = _official(version, tested, drop_youtube)
    return Listing(files, refused, label, official, list(_missing(root, places, tested)))


def _official(
    version: _Version, tested: Mapping[str, str], drop_youtube: bool
) -> dict[str, dict[str, int]]:
    celeb = _V2_CELEB if version is _UNKNOWN else Counter(tested.values())[CELEB]
    return {
        TRAIN: {
            schema.REAL_METHOD: version.real - version.test_real,
            SYNTHESIS: version.fake - version.test_fake,
        },
        TEST: {
            schema.REAL_METHOD: celeb if drop_youtube else version.test_real,
            SYNTHESIS: version.test_fake,
        },
    }


def _version(tested: Mapping[str, str], path: Path, subset: bool) -> _Version:
    """The version whose list it is, by the counts."""
    listed = Counter(tested.values())
    real, fake = listed[CELEB] + listed[YOUTUBE], listed[SYNTHESIS]
    for version in (_V1, _V2):
        if (real, fake) == (version.test_real, version.test_fake):
            return version
    if subset:
        return _UNKNOWN
    raise InputError(
        f"{path} names {real} real and {fake} fake videos; the official lists name 38 and 62 (v1) or 178 "
        "and 340 (v2): get it again, or give --subset if it is meant to be a part of it"
    )


def _missing(
    root: Path, places: Mapping[str, Path], tested: Mapping[str, str]
) -> Iterator[Excluded]:
    """Videos of the test list, the only list there is, and whole folders."""
    for folder, place in places.items():
        names = [name.partition("/")[2] for name, of in tested.items() if of == folder]
        if safe_paths.visible(place):
            yield from missing_files.in_folder(root, place, names, LIST)
        else:
            yield missing_files.empty_folder(root, place, "its videos")


def _file(
    root: Path, path: Path, places: Mapping[str, Path], folder: str, tested: Mapping[str, str]
) -> SourceFile | Excluded:
    relative = shown(path.relative_to(root).as_posix())
    name, fake = clips.stem(path), folder == SYNTHESIS
    match = _NAMES[folder].fullmatch(name)
    if match is None and _belongs_to_other_class(name, fake):
        return Excluded(relative, safe_paths.wrong_class_folder(among_reals=not fake))
    if match is None:
        return Excluded(relative, clips.misfit(path, f"it is not named like a video of {folder}"))
    if reason := clips.fault(path) or clips.twin(path):
        return Excluded(relative, reason)
    return SourceFile(
        path=path,
        relative=relative,
        label=schema.FAKE if fake else schema.REAL,
        method=SYNTHESIS if fake else schema.REAL_METHOD,
        identity=match[1],
        video_id=name,
        split=TEST if f"{folder}/{name}" in tested else TRAIN,
        original=clips.usable(places[CELEB], f"{match[1]}_{match[2]}") if fake else None,
    )


def _without_youtube(files: list[SourceFile]) -> tuple[list[SourceFile], list[Excluded]]:
    """The files without those of YouTube-real in the test, which are left out by name."""
    why = f"{YOUTUBE} is left out of the test, as requested"
    return separate(
        Excluded(file.relative, why)
        if file.split == TEST and _NAMES[YOUTUBE].fullmatch(file.video_id)
        else file
        for file in files
    )


def _belongs_to_other_class(name: str, fake: bool) -> bool:
    others = (CELEB, YOUTUBE) if fake else (SYNTHESIS,)
    return any(_NAMES[folder].fullmatch(name) for folder in others)


def _read_list(path: Path) -> dict[str, str]:
    """The folder of each video, by relative path without suffix."""
    lines = read_text(path, f"give --protocol the folder of {LIST}").split("\n")
    return dict(_listed(path, line.strip()) for line in lines if line.strip())


def _listed(path: Path, line: str) -> tuple[str, str]:
    number, _, relative = line.partition(" ")
    folder, _, file = relative.strip().partition("/")
    name = clips.listed(file)
    if number not in ("0", "1") or folder not in _NAMES or not _NAMES[folder].fullmatch(name):
        raise InputError(
            f"{path} should hold lines such as '1 {CELEB}/id0_0000.mp4', not {brief(line)}"
        )
    if (number == "1") == (folder == SYNTHESIS):
        raise InputError(
            f"{path} has the line {brief(line)}: in the official list 1 is real and 0 is fake"
        )
    return f"{folder}/{name}", folder
