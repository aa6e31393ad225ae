"""A clip: a video file, a folder that holds its frames as pictures, or those pictures by name."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from jaxfake.faces import containers, images, video
from jaxfake.faces.media import Unreadable, is_frame, is_image
from jaxfake.faces.video import Frame, Survey

type Clip = Path | tuple[Path, ...]
"""A video, a photograph (a clip of one frame), a folder of frames, or the frames themselves, in order."""


def count_frames(clip: Clip) -> int:
    """The number of frames; of a video it is what its container claims, if it claims anything credible.

    Raises:
        Unreadable: there are none.
    """
    paths = _pictures_of(clip)
    if paths is None:
        assert isinstance(clip, Path)
        return video.describe(clip).frames or len(video.survey(clip).whole)
    if not paths:
        raise Unreadable("the folder holds no picture")
    return len(paths)


@dataclasses.dataclass(frozen=True)
class Choice:
    """Which frames of a clip are to be used."""

    indices: list[int]  # ascending, from 0
    as_claimed: bool  # the container was believed; reading raises NotAsClaimed if it was wrong
    remark: str = ""  # what is wrong with the clip, such as 'damaged: 5 of 90 frames are left out'


def choose(clip: Clip, wanted: int) -> Choice:
    """Frames spread evenly over a clip, by what its container claims if that can be believed.

    Raises:
        Unreadable: there are none.
    """
    if _pictures_of(clip) is not None:
        return Choice(video.evenly_spaced(count_frames(clip), wanted), as_claimed=False)
    assert isinstance(clip, Path)
    claimed = video.describe(clip).frames
    if not claimed:
        return choose_whole(clip, wanted)
    return Choice(video.evenly_spaced(claimed, wanted), as_claimed=True)


def choose_whole(clip: Clip, wanted: int) -> Choice:
    """Frames spread evenly over the whole ones of a video, which is decoded once to know them.

    Raises:
        Unreadable: there are none.
    """
    assert isinstance(clip, Path)
    found = video.survey(clip)
    chosen = [found.whole[at] for at in video.evenly_spaced(len(found.whole), wanted)]
    return Choice(chosen, as_claimed=False, remark=_remark(clip, found))


def _remark(path: Path, found: Survey) -> str:
    """What is wrong with a video; '' if nothing is. Of the containers, only AVI has to count its frames."""
    if found.reason:
        total = found.damaged + len(found.whole)
        return f"damaged: {found.damaged} of {total} frames are left out ({found.reason})"
    claimed = video.describe(path).frames if containers.kind_of(path) == "AVI" else 0
    if len(found.whole) < claimed - 1:
        return f"cut short: {len(found.whole)} of {claimed} frames are there"
    return ""


def read_frames(clip: Clip, choice: Choice) -> Iterator[Frame]:
    """The chosen frames; fewer if some cannot be read.

    Raises:
        NotAsClaimed: the choice should be made by `choose_whole`.
        Unreadable: it is not a clip, or none of these frames can be read.
    """
    paths = _pictures_of(clip)
    if paths is None:
        assert isinstance(clip, Path)
        return video.read_frames(clip, choice.indices, choice.as_claimed)
    return _read_pictures(paths, choice.indices)


def read_numbered(clip: Clip, indices: list[int]) -> Iterator[Frame]:
    """The frames with these indices, ascending, as far as they can be read.

    Raises:
        Unreadable: see `read_frames`.
    """
    return read_frames(clip, Choice(indices, as_claimed=False))


def pictures(folder: Path, follow_links: bool = False) -> list[Path]:
    """The pictures of a folder in the natural order of their names: 2 comes before 10.

    Hidden ones are left out, and so are links that leave the folder, unless they are to be followed.
    """
    root = folder.resolve()
    inside = [
        path
        for path in folder.iterdir()
        if is_frame(path) and not path.name.startswith(".")
        if path.is_file() and (follow_links or path.resolve().is_relative_to(root))
    ]
    return sorted(inside, key=lambda path: natural(path.name))


def natural(name: str) -> list[tuple[int, str]]:
    """A sort key that compares the numbers in a name as numbers. No two names have the same key."""
    parts = re.split(r"(\d+)", name)
    return [*((int(part), "") if part.isdecimal() else (-1, part) for part in parts), (-1, name)]


def _pictures_of(clip: Clip) -> list[Path] | None:
    """The pictures that are its frames; None for a video."""
    if isinstance(clip, tuple):
        return list(clip)
    if clip.is_dir():
        return pictures(clip)
    return [clip] if is_image(clip) else None


def _read_pictures(paths: list[Path], indices: list[int]) -> Iterator[Frame]:
    failure = "it has none of these frames"
    found = 0
    for index in indices:
        if index >= len(paths):
            break
        try:
            image = images.read_image(paths[index])
        except Unreadable as error:
            failure = f"{paths[index].name}: {error}"
            continue
        found += 1
        yield Frame(index, image)
    if not found:
        raise Unreadable(failure)
