"""How well a heat map localises a manipulation, beside maps that do not depend on the face.

Everything is measured at the scale of the crop. A fake with a mask that is not empty has a Dice, an IoU, a
PBCA and a pixel AUC; the results are their means over faces, and the same metrics of all pixels pooled.
Dice and IoU are undefined for an empty mask. A real face therefore has another metric: the share of its
pixels that is predicted to be manipulated, which should be 0. Fakes with an empty mask in the crop, and
fakes without a mask, are left out and counted. A heat map without a threshold, such as a recovery error,
has only a pixel AUC.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import Index
from jaxfake.evaluation.heat_accumulator import DETECTOR, HeatAccumulator
from jaxfake.evaluation.metrics import pixels
from jaxfake.evaluation.metrics.intervals import Bootstrap, Interval, mean_interval
from jaxfake.evaluation.metrics.pixels import PixelCounts
from jaxfake.evaluation.metrics.undefined import Undefined

PIXEL_AUC = "pixel_auc"

COUNT_METRICS: dict[str, Callable[[PixelCounts], np.ndarray]] = {
    "dice": pixels.dice,
    "iou": pixels.iou,
    "pbca": pixels.pbca,
}

_NO_THRESHOLD = Undefined("the heat is an error and has no threshold")
_NO_FACE = Undefined("it is not defined for any of the faces")


@dataclasses.dataclass(frozen=True)
class FaceMean:
    """A mean over faces."""

    mean: float | Undefined
    ci95: Interval | Undefined  # videos resampled


@dataclasses.dataclass(frozen=True)
class MapMetrics:
    """One map on some fakes; by the names of `COUNT_METRICS`, and PIXEL_AUC.

    Attributes:
        per_face: means over the faces.
        pooled: of all pixels of all faces as one picture.
        detector_dice_above: Dice of the detector minus Dice of this map, face by face.
    """

    per_face: dict[str, FaceMean]
    pooled: dict[str, float | Undefined]
    detector_dice_above: FaceMean


@dataclasses.dataclass(frozen=True)
class FakesResult:
    """All maps on the fakes of one manipulation, or on all fakes."""

    maps: dict[str, MapMetrics]  # the detector's first
    faces: int
    videos: int


@dataclasses.dataclass(frozen=True)
class FalsePositiveArea:
    """What one map predicts to be manipulated in real faces."""

    area: FaceMean  # share of the pixels
    share_of_faces: float | Undefined  # faces with any such pixel


@dataclasses.dataclass(frozen=True)
class LocalisationResult:
    """All metrics of the heat maps of a method."""

    threshold: float | None
    overall: FakesResult
    per_manipulation: dict[str, FakesResult]
    reals: dict[str, FalsePositiveArea]  # by map
    real_faces: int
    without_mask: int  # fakes whose mask is not known
    empty_mask: int  # fakes whose mask is empty in the crop


def measure(heats: HeatAccumulator, bootstrap: Bootstrap) -> LocalisationResult | None:
    """The metrics of all heat maps taken in; None if there were none."""
    if not heats.rows and not heats.without_mask:
        return None
    at = heats.index
    rows = np.array(heats.rows, np.int64)
    counts = {name: record.all_counts() for name, record in heats.records.items()}
    has_pixels = counts[DETECTOR].positives > 0
    fake, real = (at.label[rows] == label for label in (schema.FAKE, schema.REAL))
    faces = _Faces(heats, counts, _videos(at, rows), bootstrap)
    manipulations = np.unique(at.method[rows[fake & has_pixels]]).tolist()
    return LocalisationResult(
        threshold=heats.threshold,
        overall=faces.fakes(fake & has_pixels, manipulations),
        per_manipulation={
            name: faces.fakes(fake & has_pixels & (at.method[rows] == name), [name])
            for name in manipulations
        },
        reals={name: faces.false_positive_area(name, real) for name in heats.records},
        real_faces=int(real.sum()),
        without_mask=heats.without_mask,
        empty_mask=int((fake & ~has_pixels).sum()),
    )


def mean_dice(heats: HeatAccumulator) -> float | None:
    """Dice of the detector's map, mean over the fakes whose mask is not empty; None if there is none."""
    counts = heats.records[DETECTOR].all_counts()
    fake = heats.index.label[np.array(heats.rows, np.int64)] == schema.FAKE
    chosen = fake & (counts.positives > 0)
    return float(pixels.dice(_of(counts, chosen)).mean()) if chosen.any() else None


def best_trivial(fakes: FakesResult) -> str | None:
    """The map with the highest mean Dice, apart from the detector's; None if there is no face."""
    means = {
        name: metrics.per_face["dice"].mean
        for name, metrics in fakes.maps.items()
        if name != DETECTOR
    }
    known = {name: mean for name, mean in means.items() if not isinstance(mean, Undefined)}
    return max(known, key=lambda name: known[name]) if known else None


@dataclasses.dataclass(frozen=True, eq=False)
class _Faces:
    """All n faces with a known mask, to be measured in groups."""

    heats: HeatAccumulator
    counts: dict[str, PixelCounts]  # by map, int64 [n] each
    video: np.ndarray  # int64 [n]
    bootstrap: Bootstrap

    def fakes(self, chosen: np.ndarray, manipulations: list[str]) -> FakesResult:
        """The maps on the fakes chosen by bool [n], which are all fakes of these manipulations."""
        maps = {name: self._map_metrics(name, chosen, manipulations) for name in self.heats.records}
        return FakesResult(maps, int(chosen.sum()), len(np.unique(self.video[chosen])))

    def false_positive_area(self, name: str, real: np.ndarray) -> FalsePositiveArea:
        """What a map predicts in the faces chosen by bool [n]."""
        if not self._has_threshold(name):
            return FalsePositiveArea(FaceMean(_NO_THRESHOLD, _NO_THRESHOLD), _NO_THRESHOLD)
        area = pixels.predicted_area(_of(self.counts[name], real))
        share = float((area > 0).mean()) if len(area) else Undefined("there is no real face")
        return FalsePositiveArea(self._mean(area, real), share)

    def _map_metrics(self, name: str, chosen: np.ndarray, manipulations: list[str]) -> MapMetrics:
        record, counts = self.heats.records[name], _of(self.counts[name], chosen)
        levels = [record.levels[manipulation] for manipulation in manipulations]
        per_face = {
            metric: self._mean_of_predictions(name, compute(counts), chosen)
            for metric, compute in COUNT_METRICS.items()
        }
        pooled = {
            metric: self._pooled(name, compute(pixels.pool(counts)))
            for metric, compute in COUNT_METRICS.items()
        }
        auc = np.array(record.auc, np.float64)[chosen]
        pooled_auc = pixels.histogram_auc(np.sum(levels, axis=0)) if levels else np.nan
        above = pixels.dice(_of(self.counts[DETECTOR], chosen)) - pixels.dice(counts)
        return MapMetrics(
            per_face={**per_face, PIXEL_AUC: self._mean(auc, chosen)},
            pooled={**pooled, PIXEL_AUC: _number(pooled_auc)},
            detector_dice_above=self._mean_of_predictions(DETECTOR, above, chosen),
        )

    def _has_threshold(self, name: str) -> bool:
        return name != DETECTOR or self.heats.threshold is not None

    def _mean_of_predictions(self, name: str, values: np.ndarray, chosen: np.ndarray) -> FaceMean:
        if not self._has_threshold(name):
            return FaceMean(_NO_THRESHOLD, _NO_THRESHOLD)
        return self._mean(values, chosen)

    def _pooled(self, name: str, value: np.ndarray) -> float | Undefined:
        return _number(float(value[0])) if self._has_threshold(name) else _NO_THRESHOLD

    def _mean(self, values: np.ndarray, chosen: np.ndarray) -> FaceMean:
        """The mean of the values [c] of the chosen faces; a face that is all mask has no pixel AUC."""
        known = np.isfinite(values)
        if not known.any():
            return FaceMean(_NO_FACE, _NO_FACE)
        values, videos = values[known], self.video[chosen][known]
        return FaceMean(float(values.mean()), mean_interval(values, videos, self.bootstrap))


def _videos(at: Index, rows: np.ndarray) -> np.ndarray:
    """The video of each row as a number, int64 [n]."""
    names = np.stack([at.dataset[rows], at.method[rows], at.video_id[rows]], axis=1)
    return np.unique(names, axis=0, return_inverse=True)[1]


def _of(counts: PixelCounts, chosen: np.ndarray) -> PixelCounts:
    return PixelCounts(*(part[chosen] for part in counts))


def _number(value: float) -> float | Undefined:
    return _NO_FACE if np.isnan(value) else value
