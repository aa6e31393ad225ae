"""Every shipped config trains for a step: the real file, with only its sizes cut down."""

import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from configs import mover, pretrain
from jaxfake import config, job, schema
from jaxfake.data.dataset import open_split
from jaxfake.models.vit import Size
from jaxfake.train.loop import run_stage
from jaxfake.train.stage import StagePlan

SHIPPED = {
    "mover": mover.get_config(),
    "pretrain": pretrain.get_config(),
    "pretrain:vit_s": pretrain.get_config("vit_s"),
    "pretrain:vit_b": pretrain.get_config("vit_b"),
}


def _small(values: ConfigDict) -> config.Config:
    """The config with a small model and two steps; fused attention needs a GPU."""
    shipped = config.parse(values)
    return dataclasses.replace(
        shipped,
        log_every=1,
        data=dataclasses.replace(shipped.data, size=32, threads=1),
        model=dataclasses.replace(
            shipped.model, patch=8, encoder=Size(16, 1, 2), decoder=Size(16, 1, 2), attend="xla"
        ),
        mask=dataclasses.replace(shipped.mask, count=4),
        recover=dataclasses.replace(shipped.recover, steps=2, batch_size=8),
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_config_trains(name: str, tiny_root: Path, tmp_path: Path) -> None:
    small = _small(SHIPPED[name])
    train, val = (open_split(tiny_root, split, 32) for split in ("train", "val"))
    method = job.recovery(small)
    plan = StagePlan("recover", method, small.recover, (schema.REAL,), train, val)
    trained = run_stage(plan, small, tmp_path)
    assert trained.step == 2
    fresh = method.init(jax.random.key(small.seed))
    moved = jax.tree.map(
        lambda one, other: bool(np.any(np.asarray(one) != np.asarray(other))), fresh, trained.params
    )
    assert all(jax.tree.leaves(moved["encoder"]["blocks"]["attn"]))
    rows = [json.loads(row) for row in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    assert all(np.isfinite(row["loss"]) for row in rows)
