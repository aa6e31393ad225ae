"""Twins: a face encoded to few numbers and decoded again, inside of the mask only.

Person, pose and expression stay; what a decoder leaves behind comes. Three simple codecs stand for those of
deepfakes: few principal components of the face's own patches, which overlap as in a transposed convolution;
few coefficients of a block transform; few pixels.
"""

from typing import Any

import cv2
import numpy as np

from jaxfake.data.forgeries import perturb, region
from jaxfake.data.forgeries.forgery import Face, Source

CODECS = ("components", "blocks", "pixels")

_PARTS = ("face", "inner_face", "eyes", "nose_cheek", "lips")

_KERNEL, _STRIDE = 8, 4
"""Of the patches of `components`, in pixels."""

_COMPONENTS = (3, 10)
_BLOCKS = (8, 16)
_STEP = (12.0, 40.0)
"""Width of the quantisation of a block's coefficients, in grey levels for one pixel."""
_SHRUNK = (2.0, 4.0)


def make(rng: np.random.Generator, face: Face, donor: Face | None, strength: float) -> Source:
    """The face through a codec; `donor` is not used."""
    del donor
    size, unit = len(face.image), region.unit_of(face.landmarks)
    part = _PARTS[rng.integers(len(_PARTS))]
    share = region.draw_share(rng, region.outline(face.landmarks, part), size, unit)
    codec = CODECS[rng.integers(len(CODECS))]
    image = face.image.astype(np.float32)
    parameters: dict[str, Any] = {"part": part, "codec": codec}
    if codec == "components":
        parameters["components"] = count = int(rng.integers(*_COMPONENTS))
        made = by_components(image, count)
    elif codec == "blocks":
        parameters["block"] = block = int(rng.choice(_BLOCKS))
        parameters["step"] = step = float(rng.uniform(*_STEP))
        offset = rng.integers(0, block, 2)
        made = by_blocks(image, block, step, (int(offset[0]), int(offset[1])))
    else:
        parameters["shrunk"] = factor = float(rng.uniform(*_SHRUNK))
        made = perturb.down_and_up(image, factor)
    return Source(made, share * np.float32(strength), face.landmarks, parameters)


def by_components(image: np.ndarray, count: int) -> np.ndarray:
    """The picture from few principal components of its patches; overlapping patches are averaged.

    The three channels share the components.

    Args:
        image: float32 [S, S, 3].
        count: components that are kept, of 64.
    """
    size = len(image)
    rest = -(size - _KERNEL) % _STRIDE
    padded = cv2.copyMakeBorder(image, 0, rest, 0, rest, cv2.BORDER_REFLECT_101)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (_KERNEL, _KERNEL), axis=(0, 1))
    windows = windows[::_STRIDE, ::_STRIDE]  # [R, R, 3, 8, 8]
    rows = windows.shape[0]
    patches = windows.reshape(-1, _KERNEL**2)
    apart = windows[::2, ::2].reshape(-1, _KERNEL**2)  # without overlap: enough to fit to
    # OpenCV's, because NumPy's products would start threads of their own in every reading thread.
    mean, basis = cv2.PCACompute(apart, np.empty(0), maxComponents=count)
    decoded = cv2.PCABackProject(cv2.PCAProject(patches, mean, basis), mean, basis)
    whole = _averaged(decoded.reshape(rows, rows, 3, _KERNEL, _KERNEL), len(padded))
    return whole[:size, :size]


def _averaged(patches: np.ndarray, side: int) -> np.ndarray:
    """Overlapping patches float32 [R, R, 3, 8, 8] put together: float32 [side, side, 3]."""
    rows = len(patches)
    total = np.zeros((3, side, side), np.float32)
    count = np.zeros((side, side), np.float32)
    parts = range(0, _KERNEL, _STRIDE)
    cells = patches.transpose(2, 0, 3, 1, 4)  # [3, R, 8, R, 8]
    for down in parts:
        for across in parts:
            cell = cells[:, :, down : down + _STRIDE, :, across : across + _STRIDE]
            joined = cell.reshape(3, rows * _STRIDE, rows * _STRIDE)
            place = np.s_[down : down + rows * _STRIDE, across : across + rows * _STRIDE]
            total[:, *place] += joined
            count[place] += 1
    return np.ascontiguousarray((total / count).transpose(1, 2, 0))


def by_blocks(image: np.ndarray, block: int, step: float, offset: tuple[int, int]) -> np.ndarray:
    """The picture with the coefficients of its blocks (DCT) rounded to few levels.

    Args:
        image: float32 [S, S, 3].
        block: side of the blocks.
        step: width of a level of the lowest frequencies; it grows with the frequency.
        offset: of the grid of blocks, x and y.
    """
    size = len(image)
    left, top = offset
    right, bottom = (-(size + before) % block for before in offset)
    padded = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REFLECT_101)
    down, across = padded.shape[0] // block, padded.shape[1] // block
    blocks = padded.reshape(down, block, across, block, 3).transpose(0, 2, 4, 1, 3)
    basis = _cosines(block)
    frequency = np.arange(block, dtype=np.float32)
    width = step * (1 + (frequency[:, None] + frequency) * (4 / block))
    coefficients = basis @ blocks @ basis.T
    decoded = basis.T @ (np.rint(coefficients / width) * width) @ basis
    whole = decoded.transpose(0, 3, 1, 4, 2).reshape(padded.shape)
    return np.ascontiguousarray(whole[top : top + size, left : left + size])


def _cosines(side: int) -> np.ndarray:
    """The orthonormal basis of the DCT, float32 [side, side], a row for each frequency."""
    return np.asarray(cv2.dct(np.eye(side, dtype=np.float32), flags=cv2.DCT_ROWS)).T
