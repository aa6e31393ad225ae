"""A clip: a video file, or a folder that holds its frames as pictures."""

import re
from collections.abc import Iterator
from pathlib import Path

from jaxfake.faces import images, video
from jaxfake.faces.media import Unreadable, is_image
from jaxfake.faces.video import Frame


def count_frames(path: Path) -> int:
    """How many frames there are, see `video.count_frames`.

    Raises:
        Unreadable: none.
    """
    if not path.is_dir():
        return video.count_frames(path)
    frames = len(pictures(path))
    if not frames:
        raise Unreadable("the folder holds no picture")
    return frames


def read_frames(path: Path, indices: list[int]) -> Iterator[Frame]:
    """The frames of these numbers, ascending; fewer where some cannot be read.

    Raises:
        Unreadable: no clip, or not one of these frames can be read.
    """
    return _read_pictures(path, indices) if path.is_dir() else video.read_frames(path, indices)


def pictures(folder: Path) -> list[Path]:
    """The pictures of a folder in the natural order of their names: 2 comes before 10.

    A link that leaves the folder is none of them.
    """
    root = folder.resolve()
    inside = [
        path
        for path in folder.iterdir()
        if is_image(path) and path.is_file() and path.resolve().is_relative_to(root)
    ]
    return sorted(inside, key=_natural)


def _read_pictures(folder: Path, indices: list[int]) -> Iterator[Frame]:
    paths = pictures(folder)
    failure = "it has no such frame"
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


def _natural(path: Path) -> list[tuple[int, str]]:
    """Numbers in a name compare as numbers."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
