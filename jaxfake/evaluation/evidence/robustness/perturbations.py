"""What happens to videos on their way, in five levels of stated parameters; the levels are our choice.

Every perturbation takes the scored frames of a video as a clip and returns as many of the same size.
Lengths are given for a crop of 224 pixels, and scaled with the face. `jpeg` and `h264` are those codecs;
`pixelate` averages blocks, which a popular suite calls JPEG (EndlessSora/DeeperForensics-1.0, issue 6).
"""

import dataclasses
import importlib.util
import io
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from jaxfake.data.augment.jpeg import as_jpeg
from jaxfake.runtime.errors import InputError

LEVELS = (1, 2, 3, 4, 5)

FACE_SIDE = 224
"""Side of the crop in pixels for which lengths are given."""


@dataclasses.dataclass(frozen=True)
class Clip:
    """The scored frames of one video, as they are perturbed.

    Attributes:
        pictures: uint8 [H, W, 3] each, RGB, all of one size.
        scale: pixels of these pictures by pixels of a crop of `FACE_SIDE`.
        points: float [68, 2] for each picture, landmarks in its pixels; NaN where they are absent.
        seed: of what is random, such as noise; from the video's name.
    """

    pictures: Sequence[np.ndarray]
    scale: float
    points: Sequence[np.ndarray]
    seed: int


@dataclasses.dataclass(frozen=True)
class Perturbation:
    """One kind.

    Attributes:
        parameters: for each level, the weakest first.
        unit: what a parameter is, in words.
        apply: takes a clip and a parameter.
    """

    parameters: tuple[Any, ...]
    unit: str
    apply: Callable[[Clip, Any], list[np.ndarray]]
    shrinks_to: Callable[[Any], float] = lambda _: 1.0
    """From a parameter to the side of a picture on its way, by its side; a face becomes as small."""


def jpeg(clip: Clip, quality: int) -> list[np.ndarray]:
    """Each picture as JPEG of this quality."""
    return [as_jpeg(picture, quality) for picture in clip.pictures]


def h264(clip: Clip, crf: int) -> list[np.ndarray]:
    """The clip as H.264 by libx264, 25 frames a second, with this constant rate factor.

    Raises:
        InputError: PyAV is not installed.
    """
    if importlib.util.find_spec("av") is None:
        raise InputError("H.264 needs PyAV: pip install av")
    if len({picture.shape for picture in clip.pictures}) > 1:
        alone = [dataclasses.replace(clip, pictures=[picture]) for picture in clip.pictures]
        return [h264(one, crf)[0] for one in alone]
    import av

    file, size = io.BytesIO(), clip.pictures[0].shape[:2]
    even = [_even(picture) for picture in clip.pictures]
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.height, stream.width = even[0].shape[:2]
        stream.pix_fmt, stream.options = "yuv420p", {"crf": str(crf)}
        stream.codec_context.thread_count = 1  # the same bytes on every machine
        for picture in even:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as container:
        frames: Any = container.decode(video=0)
        decoded = [frame.to_ndarray(format="rgb24") for frame in frames]
    return [np.ascontiguousarray(one[: size[0], : size[1]]) for one in decoded]


def blur(clip: Clip, sigma: float) -> list[np.ndarray]:
    """A Gaussian of this standard deviation."""
    width = sigma * clip.scale
    return [cv2.GaussianBlur(picture, (0, 0), width) for picture in clip.pictures]


def noise(clip: Clip, deviation: float) -> list[np.ndarray]:
    """Independent Gaussian noise of this standard deviation in levels of grey, in every channel."""
    rng = np.random.default_rng(clip.seed)
    return [_bytes(p + rng.normal(0, deviation, p.shape)) for p in clip.pictures]


def resize(clip: Clip, factor: float) -> list[np.ndarray]:
    """Made smaller by this factor, and then as large as before."""
    return [_resized(picture, factor) for picture in clip.pictures]


def saturation(clip: Clip, factor: float) -> list[np.ndarray]:
    """Colours nearer to grey; 0 is grey."""
    return [_towards(p, p @ [0.299, 0.587, 0.114], factor) for p in map(_floats, clip.pictures)]


def contrast(clip: Clip, factor: float) -> list[np.ndarray]:
    """Pixels nearer to the mean of the picture; 0 is flat."""
    return [_towards(p, p.mean(keepdims=True)[..., 0], factor) for p in map(_floats, clip.pictures)]


def pixelate(clip: Clip, block: float) -> list[np.ndarray]:
    """The mean over blocks of this side. It is not JPEG."""
    side = max(1.0, block * clip.scale)
    return [_resized(picture, 1 / side, cv2.INTER_NEAREST) for picture in clip.pictures]


def occlude(clip: Clip, share: float) -> list[np.ndarray]:
    """A grey rectangle over this share of the height and width of a part, drawn for each video.

    A picture without landmarks is not changed.
    """
    part = list(PARTS)[clip.seed % len(PARTS)]
    return [
        _occluded(picture, points[PARTS[part]], share)
        for picture, points in zip(clip.pictures, clip.points, strict=True)
    ]


def social(clip: Clip, stages: tuple[float, int, int]) -> list[np.ndarray]:
    """As platforms do it: made smaller, encoded as H.264, and the frames saved as JPEG.

    Args:
        clip: the frames.
        stages: factor of the size, constant rate factor, JPEG quality.
    """
    factor, crf, quality = stages
    smaller = dataclasses.replace(clip, pictures=[_smaller(p, factor) for p in clip.pictures])
    encoded = dataclasses.replace(clip, pictures=h264(smaller, crf))
    height, width = clip.pictures[0].shape[:2]
    return [
        cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR)
        for one in jpeg(encoded, quality)
    ]


PARTS = {
    "eyes": [*range(17, 27), *range(36, 48)],
    "nose": [*range(27, 36)],
    "lips": [*range(48, 68)],
}
"""Landmarks of the parts that are occluded, in iBUG-68 order."""

PERTURBATIONS = {
    "jpeg": Perturbation((90, 70, 50, 30, 10), "quality", jpeg),
    "h264": Perturbation((18, 23, 28, 32, 40), "constant rate factor", h264),
    "blur": Perturbation((0.5, 1.0, 2.0, 3.0, 4.0), "standard deviation, pixels of 224", blur),
    "noise": Perturbation((2, 5, 10, 20, 30), "standard deviation, levels of grey", noise),
    "resize": Perturbation((0.8, 0.6, 0.4, 0.3, 0.2), "factor", resize, float),
    "saturation": Perturbation((0.8, 0.6, 0.4, 0.2, 0.0), "factor", saturation),
    "contrast": Perturbation((0.85, 0.7, 0.55, 0.4, 0.25), "factor", contrast),
    "pixelate": Perturbation((2, 4, 6, 8, 12), "side of a block, pixels of 224", pixelate),
    "occlude": Perturbation((0.2, 0.4, 0.6, 0.8, 1.0), "share of a part's sides", occlude),
    "social": Perturbation(
        ((0.9, 23, 90), (0.75, 28, 80), (0.6, 30, 70), (0.5, 33, 60), (0.4, 36, 50)),
        "factor, constant rate factor, JPEG quality",
        social,
        lambda stages: float(stages[0]),
    ),
}
"""By the names of `--perturb`."""


VIDEO_CODED = ("h264", "social")
"""Those that encode frames as a video does."""


def parse_perturbations(names: Sequence[str]) -> tuple[str, ...]:
    """The perturbations of these names; 'all' for every one.

    Raises:
        InputError: there is none of a name, or one needs a library that is not installed.
    """
    wanted = tuple(dict.fromkeys(PERTURBATIONS if "all" in names else names))
    unknown = [name for name in wanted if name not in PERTURBATIONS]
    if unknown:
        raise InputError(
            f"--perturb={unknown[0]} is not known: give some of {', '.join(PERTURBATIONS)}, or all"
        )
    videos = [name for name in wanted if name in VIDEO_CODED]
    if videos and importlib.util.find_spec("av") is None:
        raise InputError(f"--perturb={videos[0]} needs PyAV: pip install av")
    return wanted


def _even(picture: np.ndarray) -> np.ndarray:
    """With an even height and width, as yuv420p needs it; the last row and column are repeated."""
    below, right = (side % 2 for side in picture.shape[:2])
    return np.ascontiguousarray(np.pad(picture, ((0, below), (0, right), (0, 0)), "edge"))


def _smaller(picture: np.ndarray, factor: float) -> np.ndarray:
    height, width = (max(16, round(side * factor)) for side in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _resized(picture: np.ndarray, factor: float, back: int = cv2.INTER_LINEAR) -> np.ndarray:
    height, width = (max(1, round(side * factor)) for side in picture.shape[:2])
    smaller = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(smaller, picture.shape[1::-1], interpolation=back)


def _occluded(picture: np.ndarray, points: np.ndarray, share: float) -> np.ndarray:
    if not np.isfinite(points).all():
        return picture
    low, high = points.min(0), points.max(0)
    middle, half = (low + high) / 2, (high - low) / 2 * share
    (left, top), (right, bottom) = ((middle + sign * half).round().astype(int) for sign in (-1, 1))
    covered = picture.copy()
    covered[max(0, top) : max(0, bottom + 1), max(0, left) : max(0, right + 1)] = 127
    return covered


def _towards(picture: np.ndarray, centre: np.ndarray, factor: float) -> np.ndarray:
    return _bytes(centre[..., None] + factor * (picture - centre[..., None]))


def _floats(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float64)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
