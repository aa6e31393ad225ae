"""The pixels that imported weights were trained on, and the same weights for ours, which lie in -1..1.

ViTs are trained on pixels of which a mean was subtracted and which were divided by a spread (ImageNet's, in
most cases), and MAEs often predict the pixels of each patch normalised by that patch ('norm_pix').
Nothing in the arrays tells, and weights that get other pixels than theirs work, only worse: so it has to be
said.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json

Params = Any
Colour = tuple[float, float, float]

IMAGENET, CLIP = "imagenet", "clip"
OURS = "ours"

_PROCESSOR, _MODEL = "preprocessor_config.json", "config.json"
"""Where Hugging Face's libraries keep what they do to pixels."""

_MOST_BYTES = 1 << 20
_MEAN_KEY, _STD_KEY, _NORM_PIX_KEY = "pixel_mean", "pixel_std", "norm_pix"
"""In the metadata of a .safetensors file: three numbers with commas; 'yes' or 'no'."""

_HOW = f"={OURS} (-1..1), {IMAGENET}, {CLIP}, or MEAN/STD, each as R,G,B for pixels in 0..1"


@dataclasses.dataclass(frozen=True)
class PixelScale:
    """What was done to the pixels, in 0..1, that weights were trained on.

    Attributes:
        mean: subtracted from red, green and blue.
        std: what they were divided by.
        norm_pix: whether the decoder predicts pixels normalised by their own patch; None if there is no
            decoder.
    """

    mean: Colour
    std: Colour
    norm_pix: bool | None


_NAMED: dict[str, tuple[Colour, Colour]] = {
    OURS: ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    IMAGENET: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    CLIP: ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
}


def pixel_scale(
    path: Path, pixels: str, norm_pix: str, has_decoder: bool, flag: str = "config.start_pixels"
) -> PixelScale:
    """The scale of the weights in a file, as a person or the file says it.

    Args:
        path: a .safetensors file or a folder of Hugging Face's libraries.
        pixels: 'ours', 'imagenet', 'clip', 'MEAN/STD', or '' for what the file says.
        norm_pix: 'yes', 'no', or '' for what the file says.
        has_decoder: whether `norm_pix` matters.
        flag: by which `pixels` is said.

    Raises:
        InputError: neither says it, or it cannot be understood.
    """
    stated = _stated(path)
    mean, std = parse_scale(pixels, flag) if pixels else _from_file(path, stated, flag)
    if not has_decoder:
        return PixelScale(mean, std, None)
    answer = norm_pix or stated.get(_NORM_PIX_KEY, "")
    if answer not in ("yes", "no"):
        raise InputError(
            f"{path} does not say whether its decoder predicts pixels normalised by patch (norm_pix): say "
            "it by --config.start_norm_pix=yes or no"
        )
    return PixelScale(mean, std, answer == "yes")


def to_our_pixels(params: Params, scale: PixelScale) -> Params:
    """The same function of our pixels: exact, since a change of scale is linear.

    With x ours, theirs are (0.5 x + 0.5 - mean) / std, so W becomes W * 0.5 / std, and
    W * (0.5 - mean) / std goes into the bias. A decoder's prediction is scaled back the same way.

    Args:
        params: {'encoder': ...}, and 'decoder' if there is one, whose prediction must be of pixels.
        scale: of the weights.
    """
    factor = 0.5 / np.asarray(scale.std, np.float64)
    shift = (0.5 - np.asarray(scale.mean, np.float64)) / np.asarray(scale.std, np.float64)
    encoder = params["encoder"]
    kernel = np.asarray(encoder["patch_embed"]["kernel"], np.float64)
    times = len(kernel) // 3  # pixels of a patch; its rows are in the order (row, column, channel)
    embed = {
        "kernel": kernel * np.tile(factor, times)[:, None],
        "bias": encoder["patch_embed"]["bias"] + np.tile(shift, times) @ kernel,
    }
    changed = {"encoder": encoder | {"patch_embed": _single(embed)}}
    if "decoder" in params:
        pred = params["decoder"]["pred"]
        back, offset = np.tile(1 / factor, times), np.tile(shift / factor, times)
        scaled = {"kernel": pred["kernel"] * back, "bias": pred["bias"] * back - offset}
        changed["decoder"] = params["decoder"] | {"pred": _single(scaled)}
    return params | changed


def parse_scale(text: str, flag: str) -> tuple[Colour, Colour]:
    """Mean and spread by name, or as MEAN/STD.

    Raises:
        InputError: the text is neither; the message names the flag that it was given by.
    """
    if text in _NAMED:
        return _NAMED[text]
    try:
        mean, std = (_colour(part) for part in text.split("/"))
    except ValueError:
        raise InputError(f"--{flag}={text[:80]} is not understood: say --{flag}{_HOW}") from None
    if min(std) <= 0:
        raise InputError(f"--{flag}={text[:80]}: a spread must be larger than 0")
    return mean, std


def _single(layer: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array.astype(np.float32) for name, array in layer.items()}


def _from_file(path: Path, stated: dict[str, str], flag: str) -> tuple[Colour, Colour]:
    if _MEAN_KEY not in stated or _STD_KEY not in stated:
        raise InputError(
            f"{path} does not say on what pixels its weights were trained, and most were not trained on "
            f"ours: say it by --{flag}{_HOW}"
        )
    return parse_scale(f"{stated[_MEAN_KEY]}/{stated[_STD_KEY]}", flag)


def _colour(text: str) -> Colour:
    red, green, blue = map(float, text.split(","))
    if not all(map(math.isfinite, (red, green, blue))):
        raise ValueError("not a colour")
    return red, green, blue


def _stated(path: Path) -> dict[str, str]:
    """What the file, or the folder around it, says of itself, with our keys."""
    return _of_folder(path) if path.is_dir() else _of_file(path)


def _of_file(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="numpy") as tensors:
            return dict(tensors.metadata() or {})
    except (OSError, SafetensorError):
        return {}  # reading its arrays says what is wrong


def _of_folder(folder: Path) -> dict[str, str]:
    stated = {}
    processor, model = (_json(folder / name) for name in (_PROCESSOR, _MODEL))
    for ours, theirs in ((_MEAN_KEY, "image_mean"), (_STD_KEY, "image_std")):
        values = processor.get(theirs)
        if isinstance(values, list):
            stated[ours] = ",".join(map(str, values))
    if isinstance(model.get("norm_pix_loss"), bool):
        stated[_NORM_PIX_KEY] = "yes" if model["norm_pix_loss"] else "no"
    return stated


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = read_json(path, _MOST_BYTES)
    return content if isinstance(content, dict) else {}
