"""Takes in the heat maps of a dataset batch by batch, and keeps what the metrics of localisation need."""

from collections.abc import Mapping

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import Index
from jaxfake.evaluation.metrics import pixels
from jaxfake.evaluation.metrics.pixels import PixelCounts
from jaxfake.evaluation.trivial_maps import HeatMap
from jaxfake.schema import Batch

DETECTOR = "detector"
"""Name of the detector's own map, beside those of `trivial_maps`."""


class MapRecord:
    """What is kept of one map: of each face, and pooled over the fakes of each manipulation."""

    def __init__(self) -> None:
        self.counts: list[PixelCounts] = []
        self.auc: list[float] = []
        self.levels: dict[str, np.ndarray] = {}  # by manipulation, of faces with a mask

    def add(self, one: HeatMap, mask: np.ndarray, manipulation: str) -> None:
        self.counts.append(pixels.count(one.heat >= one.threshold, mask))
        levels = pixels.histograms(one.heat, mask)
        self.auc.append(pixels.histogram_auc(levels))
        if mask.any():
            self.levels[manipulation] = self.levels.get(manipulation, 0) + levels

    def all_counts(self) -> PixelCounts:
        """Int64 [n] each."""
        counts = np.array(self.counts, np.int64).reshape(-1, len(PixelCounts._fields))
        return PixelCounts(*counts.T)


class HeatAccumulator:
    """Takes in the heat maps of a dataset, batch after batch; see `predict.OnHeat`.

    Args:
        index: of the dataset.
        trivial: the maps to measure beside the detector's.
        threshold: of the detector's heat; None if it has none.
    """

    def __init__(
        self, index: Index, trivial: Mapping[str, HeatMap], threshold: float | None
    ) -> None:
        self.index, self.threshold = index, threshold
        self.records = {name: MapRecord() for name in (DETECTOR, *trivial)}
        self.rows: list[int] = []  # of the faces with a known mask
        self.without_mask = 0
        self._trivial = trivial

    def __call__(self, batch: Batch, heats: np.ndarray) -> None:
        """Takes in n faces with their heat maps, float32 [n, H, W]."""
        for n, heat in enumerate(heats):
            if batch[schema.HAS_MASK][n]:
                self._add(int(batch[schema.ROW][n]), heat, batch[schema.FORGERY_MASK][n] > 0)
            elif batch[schema.LABEL][n] == schema.FAKE:
                self.without_mask += 1

    def _add(self, row: int, heat: np.ndarray, mask: np.ndarray) -> None:
        self.rows.append(row)
        # Without a threshold no pixel is predicted, and metrics of predictions are never shown.
        threshold = np.inf if self.threshold is None else self.threshold
        for name, one in {DETECTOR: HeatMap(heat, threshold), **self._trivial}.items():
            self.records[name].add(one, mask, str(self.index.method[row]))
