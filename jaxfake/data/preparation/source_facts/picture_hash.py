"""Perceptual hashes, which tell copies of a picture: re-encoded, resized or slightly cropped ones.

The hash is ImageHash's `phash` with 16 x 16 bits: the signs of the lowest frequencies of the grey
picture. It is taken of the whole picture and of two smaller views, because the loss of two percent at
each side already changes nearly as many bits as tell two portraits apart.

`NEAREST` was chosen by measurement. Among 3,000 photographs of 1,567 people (LFW) the nearest pair
differs in 54 bits and shows one person, and among 300 aligned portraits (FFHQ) in 72. Copies of 180
pictures as JPEG of quality 30 or 10, at a quarter of the size, brighter, or without 1 to 5 % at each
side, differ in at most 34 bits, but for one in 46. Of copies that were cropped by 3 % at one corner, five
in six are found. A hash of the aligned face in place of the whole picture is worse in both ways: two
people differ in 46 bits, and copies in over 60.
"""

from collections.abc import Iterator, Sequence

import cv2
import imagehash
import numpy as np
from PIL import Image

from jaxfake.faces.video import Frame

NEAREST = 40
"""Most of the 256 bits in which a picture and its copy differ."""

_NEAREST_COARSE = 12
"""The same of the 64 lowest frequencies, which are compared first, and settle it for nearly all
pairs."""

_BITS = 16  # of a side: 256 in all
_COARSE = 8
_BYTES = _BITS**2 // 8
_LOW = np.add.outer(np.arange(_BITS) // _COARSE, np.arange(_BITS) // _COARSE) == 0
_SIDE = 4 * _BITS  # pixels of a view that is hashed, as ImageHash has it
_VIEWS = (0.0, 0.02, 0.04)  # shares that are cut off at each side
_ENOUGH = 4 * _SIDE  # pixels of the shorter side that are looked at
_PLAIN = 4.0  # standard deviation of grey below which a picture has nothing to recognise it by

_PLACES = 5
"""Places of a clip at which it is hashed, the first and the last frame included; a photograph has one."""

_ROWS, _COLUMNS = 128, 2048  # pairs that are compared at once; they fit a processor's cache

HASH_SHAPE = (len(_VIEWS), _BYTES)


def hash_picture(image: np.ndarray) -> np.ndarray:
    """The hash of a picture, uint8 [H, W, 3], RGB: uint8 [views, bytes]; all zero for a plain one."""
    height, width = image.shape[:2]
    step = max(1, min(height, width) // _ENOUGH)
    if step > 1:  # shrinking all of a large picture well would take longer than all the rest
        kept = (max(1, width // step), max(1, height // step))
        image = cv2.resize(image, kept, interpolation=cv2.INTER_NEAREST)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    views = [_view(grey, share) for share in _VIEWS]
    if views[0].std() < _PLAIN:
        return np.zeros(HASH_SHAPE, np.uint8)
    return np.array([_bits(view) for view in views])


def _view(grey: np.ndarray, share: float) -> np.ndarray:
    """The picture without that share of each side, shrunk: uint8 [64, 64]."""
    rows, columns = (round(share * side) for side in grey.shape)
    inner = grey[rows : len(grey) - rows, columns : grey.shape[1] - columns]
    return cv2.resize(inner, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def _bits(view: np.ndarray) -> np.ndarray:
    """The hash of one view, uint8 [bytes], the lowest frequencies first."""
    bits = imagehash.phash(Image.fromarray(view), _BITS).hash
    return np.packbits(np.concatenate([bits[_LOW], bits[~_LOW]]))


class FrameHashes:
    """Hashes the frames nearest to five evenly spaced places of a clip, while its frames are read."""

    def __init__(self, indices: Sequence[int]) -> None:
        """`indices` are those of the frames that will be read, ascending."""
        places = np.linspace(indices[0], indices[-1], _PLACES)
        nearest = np.abs(np.asarray(indices) - places[:, None]).argmin(1)
        self._frames = [indices[at] for at in nearest]
        self._of_frame = dict.fromkeys(self._frames, np.zeros(HASH_SHAPE, np.uint8))

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The same frames."""
        for frame in frames:
            if frame.number in self._of_frame:
                self._of_frame[frame.number] = hash_picture(frame.image)
            yield frame

    def joined(self) -> bytes:
        """The hash at each place; all zero where its frame did not decode."""
        return np.array([self._of_frame[frame] for frame in self._frames]).tobytes()


def near_copies(hashes: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Pairs of files that are near copies of each other, by their places in the list, the lower one
    first.

    Two clips are near copies if more than half of their hashed frames are, each with the one at the
    same place. A photograph is not compared with a clip. The time grows with the square of the number
    of files: some minutes for 100,000 photographs, whose faces take far longer to find.

    Args:
        hashes: of each file, as its crop file has them; empty if it gave no face.
    """
    for length in sorted({len(one) for one in hashes} - {0}):
        files = np.array([at for at, one in enumerate(hashes) if len(one) == length])
        joined = np.frombuffer(b"".join(hashes[at] for at in files), np.uint64)
        by_file = joined.reshape(len(files), -1, len(_VIEWS), _BYTES // 8)
        words = np.ascontiguousarray(by_file.transpose(1, 2, 3, 0))  # [places, views, words, files]
        for row in range(0, len(files), _ROWS):
            for column in range(row - row % _COLUMNS, len(files), _COLUMNS):
                these, those = words[..., row : row + _ROWS], words[..., column : column + _COLUMNS]
                first, second = np.nonzero(_near(these, those))
                for one, other in zip(files[row + first], files[column + second], strict=True):
                    if one < other:
                        yield int(one), int(other)


def _near(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """Which of n files are near copies of which of m others: bool [n, m].

    Args:
        these: uint64 [places, views, words, n].
        those: uint64 [places, views, words, m].
    """
    places = [_near_at(one, other) for one, other in zip(these, those, strict=True)]
    return places[0] if len(places) == 1 else np.sum(places, 0) > len(places) // 2


def _near_at(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """The same for one place: a view of one picture is compared with the whole of the other."""
    near = np.zeros((these.shape[-1], those.shape[-1]), np.bool_)
    pairs = [(view, 0) for view in range(len(these))] + [(0, view) for view in range(1, len(those))]
    for one, other in pairs:
        near |= _agree(these[one], those[other])
    return near & these[0].any(0)[:, None] & those[0].any(0)


def _agree(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """Which hashes, uint64 [words, n], differ little from which others, uint64 [words, m]: bool [n, m]."""
    agree = np.bitwise_count(these[0, :, None] ^ those[0]) <= _NEAREST_COARSE
    first, second = np.nonzero(agree)
    different = np.bitwise_count(these[:, first] ^ those[:, second]).sum(0, dtype=np.int64)
    agree[first, second] = different <= NEAREST
    return agree
