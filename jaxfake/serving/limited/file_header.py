"""Reads the header of an uploaded file and says in one sentence why it is refused, before it is decoded.

    python -m jaxfake.serving.limited.file_header FILE PICTURE_PIXELS FRAME_PIXELS VIDEO_SECONDS

Prints one line of JSON, {"refusal": SENTENCE}, empty if the file may be scored. Opening a video is FFmpeg's
work already, so this runs in a process with limits of its own.
"""

import json
import math
import sys
from pathlib import Path

from jaxfake.faces import file_kinds, media
from jaxfake.faces.file_kinds import Kind
from jaxfake.faces.media import Unreadable

KINDS = "Send a PNG, JPEG, WebP, BMP or TIFF picture, or an MP4, MOV, MKV, WebM or AVI video."

_WRONG_KIND = {
    Kind.OTHER_PICTURE: "This is a picture of a kind that is not read here.",
    Kind.OTHER_VIDEO: "This is a video of a kind that is not read here.",
    Kind.AUDIO: "This is a sound file: there is no face in it.",
    Kind.ARCHIVE: "This is an archive: unpack it and send the files in it.",
    Kind.TEXT: "This is a text file, whatever its name says.",
    Kind.UNKNOWN: "This is neither a picture nor a video that is read here.",
}


def refusal_by_kind(path: Path) -> str:
    """Why a file is refused by its first bytes alone; '' if it is not."""
    kind = file_kinds.kind_of(path)
    return f"{_WRONG_KIND[kind]} {KINDS}" if kind in _WRONG_KIND else ""


def refusal_by_header(
    path: Path, picture_pixels: int, frame_pixels: int, video_seconds: float
) -> str:
    """Why a picture or video is refused by its header; '' if it is not.

    Args:
        path: a file that `refusal_by_kind` lets pass.
        picture_pixels: the most of a picture.
        frame_pixels: the most of a frame of a video.
        video_seconds: the longest video. One that does not say how long it is passes.
    """
    try:
        if file_kinds.kind_of(path) is Kind.PICTURE:
            return _of_picture(path, picture_pixels)
        return _of_video(path, frame_pixels, video_seconds)
    except Unreadable as error:
        return f"This file cannot be used: {error}."


def _of_picture(path: Path, most_pixels: int) -> str:
    from jaxfake.faces.picture_headers import read_header

    header = read_header(path.read_bytes())
    media.check_pixels(header.width, header.height, most_pixels)
    return f"This file cannot be used: {header.damage}." if header.damage else ""


def _of_video(path: Path, most_pixels: int, most_seconds: float) -> str:
    from jaxfake.faces import video

    claimed = video.describe(path)
    media.check_pixels(claimed.width, claimed.height, most_pixels)
    rate = claimed.rate if math.isfinite(claimed.rate) and claimed.rate > 0 else 0.0
    seconds = claimed.frames / rate if rate else 0.0
    if seconds > most_seconds:
        return (
            f"This video lasts {seconds / 60:.1f} minutes, and {most_seconds / 60:g} are the most: "
            "send the part that matters."
        )
    return ""


def main(arguments: list[str]) -> None:
    """See the module."""
    path, picture_pixels, frame_pixels, video_seconds = arguments
    refusal = refusal_by_header(
        Path(path), int(picture_pixels), int(frame_pixels), float(video_seconds)
    )
    print(json.dumps({"refusal": refusal}))


if __name__ == "__main__":
    main(sys.argv[1:])
