"""Which pictures with numbers for names are the frames of one clip, and which are photographs.

A folder is a clip if the names of most of its pictures differ in a number alone, and either they say so
(`frame_0001`), or the numbers begin anew in several folders with such names (`vid0/0001`, `vid1/0001`).
Pictures beside others are a clip if the name that they share speaks of one and says which (`vid7_0001`).
Folders for a label, a split or a manipulation hold photographs, unless the names say that they are frames.
All this is our choice.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from jaxfake.data.layouts.own_files import folder_words
from jaxfake.data.layouts.own_files.folder_labels import Place
from jaxfake.data.layouts.own_files.folder_words import FAKE, REAL
from jaxfake.faces.clip import natural
from jaxfake.faces.media import is_image
from jaxfake.runtime.errors import InputError

type Numbered = Literal["frames", "photos"]

_FRAME_WORDS = folder_words.word_set("frame frames frm")
_CLIP_WORDS = _FRAME_WORDS | folder_words.word_set("vid video clip seq sequence scene shot movie")
_SEPARATORS = "_. -"

_WORD = rf"(?<![^\W\d_])(?:{'|'.join(sorted(_FRAME_WORDS, reverse=True))})"
_OF_FRAME = re.compile(rf"(.*?{_WORD}[{_SEPARATORS}]*)(\d+)(.*)", re.IGNORECASE)
"""A name that says the number of a frame, and perhaps more: `vid7_frame_0031_face1`."""

_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")
"""A name by its last number: `vid7_0031`, `0031_crop`."""

_FRAME_AT_END = re.compile(rf"[{_SEPARATORS}]*{_WORD}[{_SEPARATORS}]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Item:
    """One file of a folder, or the frames of one clip.

    Attributes:
        relative: of the file, of the folder of a clip, or of the first of the pictures that are one.
        name: without folders and suffix; of a clip, its own.
        place: what the folders above it say.
        frames: of a clip, relative, in order; empty for a file.
    """

    relative: str
    name: str
    place: Place
    frames: tuple[str, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether it is a clip with a folder of its own."""
        return bool(self.frames) and self.relative not in self.frames

    @property
    def files(self) -> tuple[str, ...]:
        """All its files, relative."""
        return self.frames or (self.relative,)


@dataclass(frozen=True)
class _Pictures:
    """Pictures of one folder whose names differ in their number alone."""

    shared: str  # what the names have in common
    files: list[str]
    place: Place

    @property
    def numbers(self) -> set[int]:
        return {number_of(file) for file in self.files}


def series_of(name: str) -> tuple[str, str]:
    """Name and number of a file in a series: `vid7_0031` is ('vid7', '0031'); two '' if it is in none."""
    match = _NUMBERED.fullmatch(name)
    if match is None or match[3] or match[1][-1:] not in tuple(_SEPARATORS):
        return "", ""
    series = match[1].rstrip(_SEPARATORS)
    return (series, match[2]) if series else ("", "")


def number_of(relative: str) -> int:
    """The number in the name of a frame."""
    parted = _parted(relative)
    assert parted is not None, "frames of clips have numbers"
    return parted[1]


def _parted(relative: str) -> tuple[str, int] | None:
    """What a name is without its number, and the number; None if it has none."""
    stem = PurePosixPath(relative).stem
    match = _OF_FRAME.fullmatch(stem)
    if match:
        return match[1], int(match[2])
    match = _NUMBERED.fullmatch(stem)
    return (f"{match[1]}#{match[3]}", int(match[2])) if match else None


def items(
    root: Path, places: Mapping[str, Place], numbered: Numbered | None, told: bool
) -> list[Item]:
    """The files and clips of a folder, in the order of their paths.

    Args:
        root: of the folder.
        places: what the folders say of each file, by its relative path.
        numbered: what a person says of numbered pictures; None to go by their names.
        told: whether a person says who is in a file: then only names that speak of frames make a clip.

    Raises:
        InputError: the names leave it open.
    """
    pictures = frozenset(relative for relative in places if is_image(root / relative))
    folders: dict[str, list[str]] = {}
    for relative in places:
        folders.setdefault(str(PurePosixPath(relative).parent), []).append(relative)
    clips = _clip_folders(folders, pictures, places, numbered, told)
    found: list[Item] = []
    for folder, files in folders.items():
        frames = clips[folder].files if folder in clips else []
        if frames:
            specific = places[frames[0]].specific
            name = specific[-1] if specific else folder
            found.append(Item(folder, name, places[frames[0]], _in_order(frames)))
        others = [file for file in files if file not in set(frames)]
        found += _side_by_side(others, pictures, places, numbered)
    return sorted(found, key=lambda item: item.relative)


def _clip_folders(
    folders: Mapping[str, list[str]],
    pictures: frozenset[str],
    places: Mapping[str, Place],
    numbered: Numbered | None,
    told: bool,
) -> dict[str, _Pictures]:
    """The folders of one clip each, and their frames."""
    candidates = _candidates(folders, pictures, places)
    if numbered == "photos":
        return {}
    if numbered == "frames":
        return candidates
    clips = {folder: one for folder, one in candidates.items() if _speaks_of_frames(one.shared)}
    if told:
        return clips
    inner = {folder: one for folder, one in candidates.items() if one.place.specific}
    times = Counter(n for one in inner.values() for n in one.numbers)
    anew = {folder: one for folder, one in inner.items() if any(times[n] > 1 for n in one.numbers)}
    methods = {folder for folder, one in anew.items() if _may_be_method(one.place)} - clips.keys()
    if methods and not _reals_are_clips(anew, places, min(methods)):
        anew = {folder: one for folder, one in anew.items() if folder not in methods}
    if len(inner) == 1:
        anew = {folder: one for folder, one in inner.items() if _may_be_only_clip(one.place)}
    _check_names(sorted(anew.keys() - clips.keys()), anew)
    return clips | anew


def _check_names(folders: list[str], found: Mapping[str, _Pictures]) -> None:
    """Checks that the folders have names of clips, such as `vid0`, `clip_a` or `000_003`.

    Raises:
        InputError: one has not: it may as well be a person, or a collection of photographs.
    """
    for folder in folders:
        words = set(folder_words.words_of(found[folder].place.specific[-1]))
        if not (words & _CLIP_WORDS or any(word.isdecimal() for word in words)):
            raise _open(folder)


def _open(folder: str) -> InputError:
    return InputError(
        f"the pictures in {folder}/ are numbered, as frames and photographs can be: give "
        "--numbered=frames if each such folder is one clip, else --numbered=photos, and --identity=parent "
        "if each is of one person"
    )


def _candidates(
    folders: Mapping[str, list[str]], pictures: frozenset[str], places: Mapping[str, Place]
) -> dict[str, _Pictures]:
    """The folders of which most files are pictures that differ in their number alone."""
    above = {str(parent) for folder in folders for parent in PurePosixPath(folder).parents}
    found = {}
    for folder in folders.keys() - above:
        alike: dict[str, list[str]] = {}
        for file in sorted(pictures.intersection(folders[folder])):
            parted = _parted(file)
            if parted:
                alike.setdefault(parted[0], []).append(file)
        shared, files = max(alike.items(), key=lambda one: len(one[1]), default=("", []))
        if len(files) > max(1, len(folders[folder]) / 2):
            found[folder] = _Pictures(shared, files, places[files[0]])
    return found


def _may_be_method(place: Place) -> bool:
    """Whether a folder is where the name of a manipulation stands: fake/HERE/."""
    return place.label == FAKE and len(place.specific) == 1


def _may_be_only_clip(place: Place) -> bool:
    """Whether the only folder of numbers may be a clip: photographs without labels often have just one."""
    return bool(place.label) and not _may_be_method(place)


def _reals_are_clips(
    anew: Mapping[str, _Pictures], places: Mapping[str, Place], example: str
) -> bool:
    """Whether real pictures are in folders of clips too, so that those of fakes are no manipulations.

    Raises:
        InputError: the real pictures leave it open.
    """
    on_top = any(place.label == REAL and not place.specific for place in places.values())
    in_clips = any(one.place.label == REAL for one in anew.values())
    if on_top == in_clips:
        raise _open(example)
    return in_clips


def _side_by_side(
    files: list[str],
    pictures: frozenset[str],
    places: Mapping[str, Place],
    numbered: Numbered | None,
) -> list[Item]:
    """The files of a folder, with those that are frames of one clip together."""
    series: dict[str, list[str]] = {}
    for file in files:
        name = _clip_name(file, numbered) if file in pictures else ""
        series.setdefault(name, []).append(file)
    found = []
    for name, members in series.items():
        if name and len(members) > 1:
            frames = _in_order(members)
            found.append(Item(frames[0], name, places[frames[0]], frames))
        else:
            found += [Item(one, PurePosixPath(one).stem, places[one]) for one in members]
    return found


def _clip_name(relative: str, numbered: Numbered | None) -> str:
    """The name of the clip that a picture is a frame of by its own name; '' if it does not say."""
    stem = PurePosixPath(relative).stem
    match = _OF_FRAME.fullmatch(stem)
    series = match[1] if match else series_of(stem)[0]
    if numbered == "photos" or not series:
        return ""
    spoken = set(folder_words.words_of(series)) & _CLIP_WORDS
    name = _FRAME_AT_END.sub("", series)
    tells_which = not all(map(folder_words.is_companion, folder_words.words_of(name)))
    return name if tells_which and (spoken or numbered == "frames") else ""


def _speaks_of_frames(shared: str) -> bool:
    return bool(set(folder_words.words_of(shared)) & _FRAME_WORDS)


def _in_order(files: list[str]) -> tuple[str, ...]:
    return tuple(sorted(files, key=natural))
