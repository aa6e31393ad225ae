"""Masks are drawn at random: what masks whole parts is refused, and few masks are told."""

from pathlib import Path

import numpy as np
import pytest

from configs import delocate, mover, pretrain
from jaxfake import config
from jaxfake.config import Config
from jaxfake.data import records
from jaxfake.data.dataset import FaceDataset, Index
from jaxfake.data.toyfaces.builder import SplitSize, ToyFaces, examples
from jaxfake.experiment.start.mask_check import check_masks
from jaxfake.runtime.errors import InputError


@pytest.fixture(scope="module")
def toys() -> FaceDataset:
    """Forty people of 16 pixels; their landmarks are what matters."""
    people = SplitSize(identities=40, forgeries=1, frames=1)
    faces = list(examples(ToyFaces(size=16, train=people), "train"))
    columns = {name: [getattr(one, name) for one in faces] for name in Index._fields}
    index = Index(**{name: np.array(values) for name, values in columns.items()})
    return FaceDataset(
        Path("toys"), "train", 16, [records.encode(one, "raw") for one in faces], index
    )


def masking(count: int, mode: str = "part", size: int = 16, patch: int = 1) -> Config:
    """Faces of 16 by 16 patches: about 27 in each part, and 23 regions of interest."""
    values = mover.get_config()
    values.data.size, values.model.patch = size, patch
    values.mask.update(count=count, mode=mode)
    return config.parse(values)


@pytest.mark.parametrize("count", [40, 100])
def test_a_mask_of_a_whole_part_is_refused(toys: FaceDataset, count: int) -> None:
    with pytest.raises(InputError, match=rf"mask\.count={count} would mask all of the part '\w+'"):
        check_masks(masking(count), toys)


def test_a_mask_of_all_regions_of_interest_is_refused(toys: FaceDataset) -> None:
    with pytest.raises(InputError, match="all of the regions of interest"):
        check_masks(masking(23, "roi_any"), toys)
    check_masks(masking(10, "roi_any"), toys)


def test_the_number_that_it_names_is_taken(
    toys: FaceDataset, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError) as refused:
        check_masks(masking(99), toys)
    check_masks(
        masking(int(str(refused.value).split("mask.count to about ")[1].split(",")[0])), toys
    )
    assert capsys.readouterr().out == ""


def test_few_masks_and_small_parts_are_told(
    toys: FaceDataset, capsys: pytest.CaptureFixture[str]
) -> None:
    check_masks(masking(1), toys)
    assert "masks are possible" in capsys.readouterr().out
    check_masks(masking(17), toys)
    assert "% of the faces the part 'cheek_nose' has no more than" in capsys.readouterr().out


@pytest.mark.parametrize("mode", ["random", "crfr"])
def test_modes_that_mask_no_part_or_whole_ones_may_mask_many(toys: FaceDataset, mode: str) -> None:
    check_masks(masking(100, mode), toys)


@pytest.mark.parametrize(
    "shipped",
    [
        mover.get_config(),
        mover.get_config("roi"),
        mover.get_config("ffpp"),
        delocate.get_config("ffpp"),
        pretrain.get_config(),
    ],
)
def test_shipped_configs_draw_their_masks_at_random(
    toys: FaceDataset, shipped: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """On landmarks as our detector finds them, in aligned crops."""
    parsed = config.parse(shipped)
    scaled = [
        one._replace(landmarks=(one.landmarks + 0.5) * parsed.data.size / 16 - 0.5)
        for one in (toys[row] for row in range(len(toys)))
    ]
    larger = FaceDataset(
        toys.folder, "train", 16, [records.encode(x, "raw") for x in scaled], toys.index
    )
    check_masks(parsed, larger)
    assert "masks are possible" not in capsys.readouterr().out
