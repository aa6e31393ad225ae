"""A kill loses the features of one batch; what was kept of other faces, or is damaged, is not taken."""

import numpy as np
import pytest

from jaxfake import schema
from jaxfake.evaluation.evidence.baselines import frozen_features as module
from jaxfake.evaluation.evidence.baselines.frozen_features import FrozenNetwork, frozen_features
from jaxfake.evaluation.evidence.baselines.kept_features import KeptFeatures

ROWS = np.arange(11)


def mean_colours(params, batch):
    """[B, 3]: features of a network for tests."""
    return batch[schema.IMAGE].astype(np.float32).mean((1, 2)) * params


NETWORK = FrozenNetwork(mean_colours, np.float32(1.0), "mean colours")


class Killed(Exception):
    """In place of a kill."""


@pytest.fixture
def computed(monkeypatch):
    """How many faces each call has computed."""
    counts, batches = [], module.device_batches

    def counted(faces, rows, *rest):
        counts.append(len(rows))
        return batches(faces, rows, *rest)

    monkeypatch.setattr(module, "device_batches", counted)
    return counts


def kill_after(monkeypatch, batches):
    """Lets only so many batches be kept."""
    write = KeptFeatures.write

    def killed(kept, number, features):
        if number == batches:
            raise Killed
        write(kept, number, features)

    monkeypatch.setattr(KeptFeatures, "write", killed)


@pytest.mark.parametrize("batches", [0, 1])
def test_a_killed_pass_goes_on_where_it_was(
    dataset, scoring, tmp_path, monkeypatch, computed, batches
):
    whole = frozen_features(NETWORK, dataset, ROWS, scoring)
    kept, at_a_time = KeptFeatures(tmp_path / "kept", "these"), module.faces_at_a_time(scoring)
    with monkeypatch.context() as patch:
        kill_after(patch, batches)
        with pytest.raises(Killed):
            frozen_features(NETWORK, dataset, ROWS, scoring, kept)
    again = frozen_features(NETWORK, dataset, ROWS, scoring, kept)
    assert again.tobytes() == whole.tobytes()
    assert computed == [11, 11, 11 - batches * at_a_time]


@pytest.mark.parametrize("damage", [b"", b"\0" * 40, b"\0" * 256])
def test_what_is_damaged_is_computed_again(dataset, scoring, tmp_path, computed, damage):
    kept = KeptFeatures(tmp_path / "kept", "these")
    whole = frozen_features(NETWORK, dataset, ROWS, scoring, kept)
    (tmp_path / "kept" / "1.float32").write_bytes(damage)
    assert frozen_features(NETWORK, dataset, ROWS, scoring, kept).tobytes() == whole.tobytes()
    assert computed == [11, 11 - module.faces_at_a_time(scoring)]


def test_one_flipped_bit_and_a_swapped_batch_are_noticed(dataset, scoring, tmp_path, computed):
    kept = KeptFeatures(tmp_path / "kept", "these")
    frozen_features(NETWORK, dataset, ROWS, scoring, kept)
    first, second = (tmp_path / "kept" / f"{n}.float32" for n in (0, 1))
    first.write_bytes(second.read_bytes())
    assert kept.read(0, module.faces_at_a_time(scoring)) is None
    stored = bytearray(second.read_bytes())
    stored[-1] ^= 1
    second.write_bytes(stored)
    assert kept.read(1, module.faces_at_a_time(scoring)) is None


def test_those_of_others_are_not_taken(dataset, scoring, tmp_path, computed):
    frozen_features(NETWORK, dataset, ROWS, scoring, KeptFeatures(tmp_path, "those"))
    frozen_features(NETWORK, dataset, ROWS, scoring, KeptFeatures(tmp_path, "these"))
    assert computed == [11, 11]
