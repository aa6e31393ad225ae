"""A clip: a video file, or a folder that holds its frames as pictures."""

import re
from collections.abc import Iterator
from pathlib import Path

from jaxfake.faces import images, video
from jaxfake.faces.media import Unreadable, is_image
from jaxfake.faces.video import Frame


def count_frames(path: Path) -> int:
    """The number of frames, see `video.count_frames`.

    Raises:
        Unreadable: there are none.
    """
    if not path.is_dir():
        return video.count_frames(path)
    frames = len(pictures(path))
    if not frames:
        raise Unreadable("the folder holds no picture")
    return frames


def read_frames(path: Path, indices: list[int]) -> Iterator[Frame]:
    """The frames with these indices, ascending; fewer if some cannot be read.

    Raises:
        Unreadable: it is not a clip, or none of these frames can be read.
    """
    return _read_pictures(path, indices) if path.is_dir() else video.read_frames(path, indices)


def pictures(folder: Path) -> list[Path]:
    """The pictures of a folder in the natural order of their names: 2 comes before 10.

    Links that leave the folder are left out.
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


def _natural(path: Path) -> list[tuple[int, str]]:
    """A sort key that compares the numbers in a name as numbers."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
