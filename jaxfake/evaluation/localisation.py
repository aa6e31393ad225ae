"""How well a heat map says where a face was touched, beside maps that look at no face.

Everything is measured at the scale of the crop. A fake whose mask is not empty has a Dice, an IoU, a
PBCA and a pixel AUC; their means over faces are given, and the same of all pixels pooled. Where a mask
is empty nothing is to be found, and Dice and IoU are undefined: a real face has instead the share of
its pixels that is called touched, which should be 0; a fake whose mask is empty in the crop is left
out and counted, as is one without a mask. A map without a threshold, such as a recovery error, has a
pixel AUC alone.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import Index
from jaxfake.evaluation.metrics import pixels
from jaxfake.evaluation.metrics.auc import Bootstrap, Interval, Undefined, mean_interval
from jaxfake.evaluation.metrics.pixels import Counts
from jaxfake.evaluation.trivial_maps import TouchMap
from jaxfake.schema import Batch

DETECTOR = "detector"

PIXEL_AUC = "pixel_auc"

BY_COUNTS: dict[str, Callable[[Counts], np.ndarray]] = {
    "dice": pixels.dice,
    "iou": pixels.iou,
    "pbca": pixels.pbca,
}

_NO_THRESHOLD = Undefined("the heat is an error: nothing says from which on a pixel is touched")


class Spread(NamedTuple):
    """A mean over faces."""

    mean: float | Undefined
    ci95: Interval | Undefined  # videos resampled


class MapQuality(NamedTuple):
    """One map on some fakes. Both are by the names of `BY_COUNTS` and PIXEL_AUC."""

    by_face: dict[str, Spread]
    pooled: dict[str, float | Undefined]  # all pixels of all faces as one picture
    behind: Spread  # Dice of the detector minus this map's, face by face


class Group(NamedTuple):
    """All maps on the fakes of one manipulation, or on all."""

    maps: dict[str, MapQuality]  # the detector's first
    faces: int
    videos: int


class FalseArea(NamedTuple):
    """What one map calls touched on real faces."""

    area: Spread  # share of the pixels
    faces_touched: float | Undefined  # share of the faces with any such pixel


class Localisation(NamedTuple):
    """Everything that is said of a heat."""

    threshold: float | None
    overall: Group
    per_method: dict[str, Group]
    reals: dict[str, FalseArea]  # by map
    real_faces: int
    without_mask: int  # fakes whose mask nobody knows
    empty_mask: int  # fakes of whose mask nothing lies in the crop


class _Column:
    """What one map did: face by face, and its levels by manipulation, of faces with pixels to find."""

    def __init__(self) -> None:
        self.counts: list[Counts] = []
        self.auc: list[float] = []
        self.levels: dict[str, np.ndarray] = {}

    def add(self, one: TouchMap, mask: np.ndarray, method: str) -> None:
        self.counts.append(pixels.count(one.heat >= one.threshold, mask))
        levels = pixels.histograms(one.heat, mask)
        self.auc.append(pixels.histogram_auc(levels))
        if mask.any():
            self.levels[method] = self.levels.get(method, 0) + levels

    def joined(self) -> Counts:
        """Int64 [n] each."""
        return Counts(*np.array(self.counts, np.int64).reshape(-1, len(Counts._fields)).T)


class Tally:
    """Looks at heats as they come; see `predict.OnHeat`.

    Args:
        index: of the dataset.
        trivial: the maps to measure beside the detector's.
        threshold: of the detector's heat; None if it has none.
    """

    def __init__(
        self, index: Index, trivial: Mapping[str, TouchMap], threshold: float | None
    ) -> None:
        self.index, self.threshold = index, threshold
        self.columns = {name: _Column() for name in (DETECTOR, *trivial)}
        self.rows: list[int] = []  # of the faces whose mask is known
        self.without_mask = 0
        self._trivial = trivial

    def __call__(self, batch: Batch, heats: np.ndarray) -> None:
        """Takes in n faces with their heats, float32 [n, H, W]."""
        for n, heat in enumerate(heats):
            if batch[schema.HAS_MASK][n]:
                self._look(int(batch[schema.ROW][n]), heat, batch[schema.FORGERY_MASK][n] > 0)
            elif batch[schema.LABEL][n] == schema.FAKE:
                self.without_mask += 1

    def _look(self, row: int, heat: np.ndarray, mask: np.ndarray) -> None:
        self.rows.append(row)
        # Without a threshold nothing is called touched, and what follows from that is never shown.
        at = np.inf if self.threshold is None else self.threshold
        for name, one in {DETECTOR: TouchMap(heat, at), **self._trivial}.items():
            self.columns[name].add(one, mask, str(self.index.method[row]))


def measure(tally: Tally, bootstrap: Bootstrap) -> Localisation | None:
    """What the tally amounts to; None if no heat came."""
    if not tally.rows and not tally.without_mask:
        return None
    at = tally.index
    rows = np.array(tally.rows, np.int64)
    counts = {name: column.joined() for name, column in tally.columns.items()}
    mask = counts[DETECTOR].hits + counts[DETECTOR].misses > 0
    fake, real = (at.label[rows] == label for label in (schema.FAKE, schema.REAL))
    looker = _Looker(tally, counts, _videos(at, rows), bootstrap)
    methods = np.unique(at.method[rows[fake & mask]]).tolist()
    return Localisation(
        threshold=tally.threshold,
        overall=looker.group(fake & mask, methods),
        per_method={
            name: looker.group(fake & mask & (at.method[rows] == name), [name]) for name in methods
        },
        reals={name: looker.false_area(name, real) for name in tally.columns},
        real_faces=int(real.sum()),
        without_mask=tally.without_mask,
        empty_mask=int((fake & ~mask).sum()),
    )


def mean_dice(tally: Tally) -> float | None:
    """Dice of the detector's map, mean over the fakes whose mask is not empty; None if there is none."""
    counts = tally.columns[DETECTOR].joined()
    fake = tally.index.label[np.array(tally.rows, np.int64)] == schema.FAKE
    chosen = fake & (counts.hits + counts.misses > 0)
    return float(pixels.dice(_among(counts, chosen)).mean()) if chosen.any() else None


def best_trivial(group: Group) -> str | None:
    """The map other than the detector's with the greatest mean Dice; None if there is no face."""
    means = {
        name: quality.by_face["dice"].mean
        for name, quality in group.maps.items()
        if name != DETECTOR
    }
    known = {name: mean for name, mean in means.items() if not isinstance(mean, Undefined)}
    return max(known, key=lambda name: known[name]) if known else None


class _Looker(NamedTuple):
    """All faces with a known mask, n of them, ready to be looked at by groups."""

    tally: Tally
    counts: dict[str, Counts]  # by map, int64 [n] each
    video: np.ndarray  # int64 [n]
    bootstrap: Bootstrap

    def group(self, chosen: np.ndarray, methods: list[str]) -> Group:
        """The maps on the fakes chosen by bool [n], which are all of these manipulations."""
        maps = {name: self._quality(name, chosen, methods) for name in self.tally.columns}
        return Group(maps, int(chosen.sum()), len(np.unique(self.video[chosen])))

    def false_area(self, name: str, real: np.ndarray) -> FalseArea:
        """What a map calls touched of the faces chosen by bool [n]."""
        if not self._calls(name):
            return FalseArea(Spread(_NO_THRESHOLD, _NO_THRESHOLD), _NO_THRESHOLD)
        area = pixels.area_called(_among(self.counts[name], real))
        some = float((area > 0).mean()) if len(area) else Undefined("there is no real face")
        return FalseArea(self._spread(area, real), some)

    def _quality(self, name: str, chosen: np.ndarray, methods: list[str]) -> MapQuality:
        column, counts = self.tally.columns[name], _among(self.counts[name], chosen)
        levels = [column.levels[method] for method in methods]
        by_face = {
            metric: self._called(name, measured(counts), chosen)
            for metric, measured in BY_COUNTS.items()
        }
        pooled = {
            metric: self._pooled(name, measured(pixels.pool(counts)))
            for metric, measured in BY_COUNTS.items()
        }
        auc = np.array(column.auc, np.float64)[chosen]
        whole = pixels.histogram_auc(np.sum(levels, axis=0)) if levels else np.nan
        ahead = pixels.dice(_among(self.counts[DETECTOR], chosen)) - pixels.dice(counts)
        return MapQuality(
            by_face={**by_face, PIXEL_AUC: self._spread(auc, chosen)},
            pooled={**pooled, PIXEL_AUC: _number(whole)},
            behind=self._called(DETECTOR, ahead, chosen),
        )

    def _calls(self, name: str) -> bool:
        """Whether a map has a threshold."""
        return name != DETECTOR or self.tally.threshold is not None

    def _called(self, name: str, values: np.ndarray, chosen: np.ndarray) -> Spread:
        if not self._calls(name):
            return Spread(_NO_THRESHOLD, _NO_THRESHOLD)
        return self._spread(values, chosen)

    def _pooled(self, name: str, value: np.ndarray) -> float | Undefined:
        return _number(float(value[0])) if self._calls(name) else _NO_THRESHOLD

    def _spread(self, values: np.ndarray, chosen: np.ndarray) -> Spread:
        """Of the values [c] of the chosen faces; a face whose mask is all of it has no pixel AUC."""
        known = np.isfinite(values)
        if not known.any():
            nothing = Undefined("there is no face of which it is defined")
            return Spread(nothing, nothing)
        values, videos = values[known], self.video[chosen][known]
        return Spread(float(values.mean()), mean_interval(values, videos, self.bootstrap))


def _videos(at: Index, rows: np.ndarray) -> np.ndarray:
    """The video of each row as a number, int64 [n]."""
    names = np.stack([at.dataset[rows], at.method[rows], at.video_id[rows]], axis=1)
    return np.unique(names, axis=0, return_inverse=True)[1]


def _among(counts: Counts, chosen: np.ndarray) -> Counts:
    return Counts(*(part[chosen] for part in counts))


def _number(value: float) -> float | Undefined:
    return Undefined("there is no face of which it is defined") if np.isnan(value) else value
