"""A checkpoint of a stranger is refused before anything in it is waited for, followed or unpacked."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import tensorstore
from jax.sharding import NamedSharding, PartitionSpec

from jaxfake.checkpoints import stored_arrays
from jaxfake.checkpoints.manager import CheckpointFolder, restore_copy
from jaxfake.checkpoints.metadata import CheckpointMetadata
from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.checkpoints.wall_time import WallTime
from jaxfake.runtime.errors import InputError

METADATA = CheckpointMetadata(
    RunIdentity("c" * 64, "recover", "fresh", "d" * 64, "", 7, 8, "f" * 16), None, WallTime()
)
MESH = jax.make_mesh(
    (1,), ("data",), axis_types=(jax.sharding.AxisType.Auto,), devices=jax.devices()[:1]
)


def _state() -> dict[str, Any]:
    kernel = np.random.default_rng(0).normal(size=(16, 24)).astype(np.float32)
    return {"kernel": jax.device_put(kernel, NamedSharding(MESH, PartitionSpec()))}


def _like() -> Any:
    leaf = _state()["kernel"]
    return {"kernel": jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoint of step 3."""
    folder = tmp_path_factory.mktemp("run") / "recover"
    checkpoints = CheckpointFolder(folder, 3, print)
    checkpoints.save(3, _state(), METADATA)
    checkpoints.close()
    return folder


@pytest.fixture
def step(saved: Path, tmp_path: Path) -> Path:
    """The folder of a copied checkpoint."""
    return Path(shutil.copytree(saved, tmp_path / "recover")) / "3"


def _described(step: Path, **changes: object) -> None:
    """Writes the description of the only array anew."""
    place = {"driver": "ocdbt", "base": f"file://{step / 'state'}/"}
    store = tensorstore.KvStore.open(place).result()
    description = json.loads(store.read("kernel/.zarray").result().value)
    store.write("kernel/.zarray", json.dumps(description | changes).encode()).result()


def _refused(step: Path, why: str) -> None:
    with pytest.raises(InputError, match=f"checkpoint .* is damaged .*{why}"):
        restore_copy(step, _like())
    warnings: list[str] = []
    with pytest.raises(InputError, match=r"checkpoint.* is damaged"):
        CheckpointFolder(step.parent, 3, warnings.append, read_only=True).restore(_like())
    assert not warnings or why in warnings[-1]


def test_a_copy_as_it_was_saved_is_read(step: Path) -> None:
    np.testing.assert_array_equal(restore_copy(step, _like()).state["kernel"], _state()["kernel"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"chunks": [1 << 16, 1 << 15]},
            r"kernel of shape \[16, 24\] has chunks of \[65536, 32768\]",
        ),
        ({"chunks": [0, 24]}, "kernel of shape .* has chunks"),
        ({"chunks": [16]}, "kernel of shape .* has chunks"),
        ({"shape": [1 << 16, 1 << 15]}, "kernel is stored as float32 .65536, 32768"),
        ({"dtype": "<f8"}, "kernel is stored as float64"),
        ({"dtype": [["a", "<f4"]]}, "kernel is stored as|the description of kernel"),
        ({"compressor": {"id": "blosc"}}, "kernel is compressed in a way"),
        ({"filters": [{"id": "delta"}]}, "kernel is compressed in a way"),
        ({"note": "." * 5000}, "kernel is not described"),
        ({"chunks": None}, "the description of kernel is damaged"),
    ],
)
def test_an_array_that_is_not_what_the_model_has_is_not_read(
    changes: dict[str, object], why: str, step: Path
) -> None:
    _described(step, **changes)
    with pytest.raises(InputError, match=f"is damaged .*({why})"):
        restore_copy(step, _like())


def _grown(path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(2 << 20)


SPECIAL: dict[str, Callable[[Path], None]] = {
    "is a pipe": lambda path: os.mkfifo(path),
    "is a link": lambda path: path.symlink_to("/dev/zero"),
    "has 2097152 bytes": _grown,
}


@pytest.mark.parametrize(
    "name", ["_CHECKPOINT_METADATA", "state/_METADATA", "state/manifest.ocdbt"]
)
@pytest.mark.parametrize("why", SPECIAL)
def test_every_file_is_a_regular_one_of_its_own_size(why: str, name: str, step: Path) -> None:
    if why != "has 2097152 bytes":
        (step / name).unlink()
    SPECIAL[why](step / name)
    _refused(step, f"{name} {why}")


def test_a_folder_of_arrays_that_is_a_link_is_not_followed(step: Path, tmp_path: Path) -> None:
    (step / "state").rename(tmp_path / "elsewhere")
    (step / "state").symlink_to(tmp_path / "elsewhere")
    _refused(step, "state is a link")


def test_another_format_is_not_looked_for(step: Path) -> None:
    path = step / "state" / "_METADATA"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"use_zarr3": True}))
    _refused(step, "state/_METADATA is not of the form")
    (step / "state" / "manifest.ocdbt").unlink()
    _refused(step, "it has no state/manifest.ocdbt")


def test_zeros_that_take_almost_no_place_on_disk_are_bounded_by_it(
    step: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_arrays, "_SPARE", 0)
    monkeypatch.setattr(stored_arrays, "_MOST_RATIO", 0.1)
    _refused(step, "its arrays would take 1536 bytes, and all its files have")
