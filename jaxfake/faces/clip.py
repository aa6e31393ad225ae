"""A clip: a video file, a folder that holds its frames as pictures, or those pictures by name."""

import re
from collections.abc import Iterator
from pathlib import Path

from jaxfake.faces import images, video
from jaxfake.faces.media import Unreadable, is_frame, is_image
from jaxfake.faces.video import Frame

type Clip = Path | tuple[Path, ...]
"""A video, a photograph (a clip of one frame), a folder of frames, or the frames themselves, in order."""


def count_frames(clip: Clip) -> int:
    """The number of frames, see `video.count_frames`.

    Raises:
        Unreadable: there are none.
    """
    paths = _pictures_of(clip)
    if paths is None:
        assert isinstance(clip, Path)
        return video.count_frames(clip)
    if not paths:
        raise Unreadable("the folder holds no picture")
    return len(paths)


def read_frames(clip: Clip, indices: list[int]) -> Iterator[Frame]:
    """The frames with these indices, ascending; fewer if some cannot be read.

    Raises:
        Unreadable: it is not a clip, or none of these frames can be read.
    """
    paths = _pictures_of(clip)
    if paths is None:
        assert isinstance(clip, Path)
        return video.read_frames(clip, indices)
    return _read_pictures(paths, indices)


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
