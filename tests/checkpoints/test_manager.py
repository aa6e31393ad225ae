"""Checkpoints: exact, found again on another mesh, and never trusted when damaged."""

import gc
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from jaxfake.checkpoints.manager import CheckpointFolder, Restored
from jaxfake.checkpoints.metadata import CheckpointMetadata
from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.checkpoints.wall_time import WallTime
from jaxfake.runtime.errors import InputError

# Orbax leaves the other reads of a damaged checkpoint to fail unheard.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


METADATA = CheckpointMetadata(
    RunIdentity("c" * 64, "recover", "fresh", "d" * 64, "", 7, 8, "f" * 16),
    None,
    WallTime(useful=3.0),
)


def _step(restored: Restored) -> int:
    return int(restored.state["step"])


@pytest.fixture(autouse=True, scope="module")
def _heard_here() -> Iterator[None]:
    """Those failures show when the garbage is collected, which must not be in tests of another file."""
    yield
    gc.collect()


def _mesh(devices: int) -> Any:
    kinds = (jax.sharding.AxisType.Auto,)
    return jax.make_mesh((devices,), ("data",), axis_types=kinds, devices=jax.devices()[:devices])


def _state(step: int, devices: int = 8) -> dict[str, Any]:
    mesh = _mesh(devices)
    values = np.random.default_rng(step).normal(size=(16, 24)).astype(np.float32)
    split = NamedSharding(mesh, PartitionSpec("data"))
    whole = NamedSharding(mesh, PartitionSpec())
    return {
        "step": jax.device_put(jnp.asarray(step, jnp.int32), whole),
        "kernel": jax.device_put(values, split),
        "half": jax.device_put(values[0].astype(jnp.bfloat16), whole),
    }


def _like(state: dict[str, Any]) -> dict[str, Any]:
    return {
        name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding)
        for name, leaf in state.items()
    }


def _assert_same(one: Any, other: Any) -> None:
    for got, want in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(np.asarray(got), np.asarray(want))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with checkpoints of the steps 3, 5 and 9."""
    folder = tmp_path_factory.mktemp("run") / "recover"
    checkpoints = CheckpointFolder(folder, 3, print)
    for step in (1, 3, 5, 9):
        checkpoints.save(step, _state(step), METADATA)
    checkpoints.close()
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "checkpoints" / "recover"))


def _restore(folder: Path, devices: int = 8) -> tuple[Any, list[str]]:
    warnings: list[str] = []
    checkpoints = CheckpointFolder(folder, 3, warnings.append)
    restored = checkpoints.restore(_like(_state(0, devices)))
    checkpoints.close()
    return restored, warnings


def test_the_newest_comes_back_exactly_and_the_oldest_is_gone(folder: Path) -> None:
    restored, warnings = _restore(folder)
    assert (_step(restored), restored.metadata, warnings) == (9, METADATA, [])
    _assert_same(restored.state, _state(9))
    assert sorted(p.name for p in folder.iterdir()) == ["3", "5", "9"]


@pytest.mark.parametrize("devices", [4, 1])
def test_it_comes_back_on_fewer_devices(folder: Path, devices: int) -> None:
    restored, warnings = _restore(folder, devices)
    assert not warnings
    _assert_same(restored.state, _state(9))
    assert len(restored.state["kernel"].sharding.device_set) == devices


def _content_files(step: Path) -> list[Path]:
    """Files that a checkpoint cannot do without, or that could change what is read."""
    return sorted(p for p in step.rglob("*") if p.is_file() and p.stat().st_size)


def test_every_damage_to_every_file_is_survived_exactly(folder: Path) -> None:
    """Either the checkpoint is restored as it was saved, or the one before it is, with a warning."""
    pristine = folder.parent / "pristine"
    shutil.copytree(folder / "9", pristine)
    names = [p.relative_to(pristine) for p in _content_files(pristine)]
    assert len(names) >= 5
    set_aside: Counter[Path] = Counter()
    for name in names:
        for damage in (_truncated, _zeroed, _bit_flipped, None):
            shutil.rmtree(folder / "9", ignore_errors=True)
            shutil.copytree(pristine, folder / "9")
            path = folder / "9" / name
            path.unlink() if damage is None else path.write_bytes(damage(path.read_bytes()))
            restored, warnings = _restore(folder)
            _assert_same(restored.state, _state(_step(restored)))
            assert _step(restored) in (9, 5)
            if _step(restored) == 5:
                set_aside[name] += 1
                assert len(warnings) == 1
                assert "recover/9 is damaged" in warnings[0]
                assert (folder.parent / "damaged" / "recover-9").is_dir()
    # Some files repeat what others say; the notes and the arrays do not.
    arrays = max((name for name in names if name.parent.name == "d"), key=lambda n: set_aside[n])
    assert (set_aside[Path("meta/metadata")], set_aside[arrays]) == (4, 4)


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _zeroed(data: bytes) -> bytes:
    return bytes(len(data))


def _bit_flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


def test_a_single_flipped_bit_of_the_arrays_is_noticed(folder: Path) -> None:
    arrays = max((folder / "9" / "state").rglob("d/*"), key=lambda p: p.stat().st_size)
    data = bytearray(arrays.read_bytes())
    noticed = 0
    for place in np.linspace(0, len(data) - 1, 12).astype(int):
        flipped = bytearray(data)
        flipped[place] ^= 1
        if not (folder / "9").exists():
            shutil.move(folder.parent / "damaged" / "recover-9", folder / "9")
        arrays.write_bytes(flipped)
        restored, _ = _restore(folder)
        _assert_same(restored.state, _state(_step(restored)))
        noticed += _step(restored) == 5
    assert noticed >= 10  # the file's own padding may be hit


def test_an_empty_step_folder_is_not_the_newest_checkpoint(folder: Path) -> None:
    (folder / "12").mkdir()
    restored, warnings = _restore(folder)
    assert _step(restored) == 9
    assert "12" in warnings[0]


def test_saving_goes_on_after_a_damaged_checkpoint(folder: Path) -> None:
    shutil.rmtree(folder / "9" / "state")
    checkpoints = CheckpointFolder(folder, 3, lambda _: None)
    restored = checkpoints.restore(_like(_state(0)))
    assert restored is not None
    assert _step(restored) == 5
    checkpoints.save(9, _state(9), METADATA)
    checkpoints.close()
    restored, warnings = _restore(folder)
    assert (_step(restored), warnings) == (9, [])


def test_all_damaged_is_an_error_and_not_a_fresh_start(folder: Path) -> None:
    for step in (3, 5, 9):
        shutil.rmtree(folder / str(step) / "meta")
    with pytest.raises(InputError, match=r"every checkpoint in .* is damaged"):
        _restore(folder)


def test_no_checkpoint_is_a_fresh_start(tmp_path: Path) -> None:
    assert _restore(tmp_path / "new") == (None, [])


def test_another_model_is_refused_by_name(folder: Path) -> None:
    like = _like(_state(0))
    like["kernel"] = jax.ShapeDtypeStruct((16, 32), jnp.float32, sharding=like["kernel"].sharding)
    checkpoints = CheckpointFolder(folder, 3, print)
    with pytest.raises(InputError, match=r"kernel is float32 \[16, 24\] there"):
        checkpoints.restore(like)
    checkpoints.close()


def test_leftovers_of_a_killed_save_are_removed(folder: Path) -> None:
    (folder / "11.orbax-checkpoint-tmp").mkdir()
    (folder / "trash" / "1").mkdir(parents=True)
    restored, _ = _restore(folder)
    assert _step(restored) == 9
    assert sorted(p.name for p in folder.iterdir()) == ["3", "5", "9"]


def test_the_best_stays_beside_the_newest_and_the_newest_of_equals_is_best(tmp_path: Path) -> None:
    checkpoints = CheckpointFolder(tmp_path / "detect", 2, print)
    scores = {1: 0.5, 2: 0.9, 3: None, 4: 0.9, 5: None, 6: 0.7, 7: None}
    assert checkpoints.best() is None
    for step, score in scores.items():
        checkpoints.save(step, _state(step), METADATA)
        if score is not None:
            checkpoints.wait()
            checkpoints.set_score(step, score)
    checkpoints.close()
    kept = {int(path.name) for path in (tmp_path / "detect").glob("[0-9]*")}
    assert kept == {4, 6, 7}
    again = CheckpointFolder(tmp_path / "detect", 2, print)
    assert again.best() == 4
    _assert_same(again.restore_step(4, _like(_state(4))).state, _state(4))
    newest = again.restore(_like(_state(7)))
    assert newest is not None
    assert _step(newest) == 7
    with pytest.raises(InputError, match=r"has no checkpoint of step 2 \(it has 4, 6, 7\)"):
        again.restore_step(2, _like(_state(2)))
    again.close()


def test_a_damaged_step_that_was_asked_for_is_refused(folder: Path) -> None:
    arrays = max((folder / "5").rglob("d/*"), key=lambda path: path.stat().st_size)
    data = bytearray(arrays.read_bytes())
    data[len(data) // 2] ^= 1
    arrays.write_bytes(data)
    checkpoints = CheckpointFolder(folder, 3, print)
    with pytest.raises(InputError, match="5 is damaged: choose another step"):
        checkpoints.restore_step(5, _like(_state(5)))
    checkpoints.close()


def test_reading_only_changes_nothing(folder: Path) -> None:
    unfinished = folder / "11.orbax-checkpoint-tmp-1"  # of a run that is saving at this moment
    unfinished.mkdir()
    before = sorted(str(path) for path in folder.rglob("*"))
    checkpoints = CheckpointFolder(folder, 3, print, read_only=True)
    restored = checkpoints.restore(_like(_state(9)))
    checkpoints.close()
    assert restored is not None
    assert _step(restored) == 9
    assert sorted(str(path) for path in folder.rglob("*")) == before
