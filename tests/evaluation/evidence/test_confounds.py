"""What the files alone tell, and when a person is warned."""

import json

import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data.preparation.source_facts.attributes import FileAttributes
from jaxfake.data.source_table import Source
from jaxfake.evaluation.evidence import confounds
from jaxfake.evaluation.evidence.confounds import TOGETHER, by_split, measure
from jaxfake.evaluation.metrics.undefined import Undefined


def source(number: int, label: int, split: str = "train", identity: str = "", **attributes):
    return Source(
        file=f"{number}.jpg",
        split=split,
        method="swap" if label else "real",
        label=label,
        video_id=str(number),
        identity=identity or f"person {number}",
        content="",
        status="ok",
        attributes=FileAttributes(**attributes),
    )


def found(sources) -> dict[str, confounds.Confound]:
    return {one.name: one for one in measure(sources)}


def warned(sources) -> list[str]:
    return [name for name, one in found(sources).items() if one.is_warned_of]


def certain(sources) -> list[str]:
    confounded = found(sources).items()
    return [name for name, one in confounded if one.is_warned_of and not one.may_be_chance]


@pytest.mark.parametrize("each", [4, 30])
def test_formats_that_follow_the_label_are_warned_of(each):
    """Reals as JPEG and fakes as PNG."""
    rng = np.random.default_rng(0)
    sources = [
        source(n, n % 2, format="PNG" if n % 2 else "JPEG", brightness=rng.uniform())
        for n in range(2 * each)
    ]
    assert found(sources)["format"].auc.value == 1.0
    assert {"format", TOGETHER} <= set(warned(sources))
    assert ("format" in certain(sources)) == (each > 4)
    assert measure(sources)[0].name == "format"


def test_a_number_is_warned_of_whichever_class_has_the_larger_ones():
    for turned in (1, -1):
        sources = [source(n, n % 2, file_bytes=100.0 + turned * n * (n % 2)) for n in range(40)]
        one = found(sources)["file_bytes"]
        assert one.is_warned_of
        assert one.auc.value > 0.95
        assert one.larger_in == ("fake" if turned == 1 else "real")


def test_chance_is_called_chance():
    """Over many datasets of any size: random numbers, and formats of which most occur once."""
    rng = np.random.default_rng(1)
    alarms = 0
    for size in (6, 10, 20, 60, 200) * 2:
        sources = [
            source(
                n,
                n % 2,
                file_bytes=rng.uniform(),
                jpeg_table=str(rng.integers(size)),
                format=str(rng.integers(2)),
            )
            for n in range(size)
        ]
        alarms += len(certain(sources))
    assert alarms <= 0.05 * 10 * 4


def test_one_format_for_all_tells_nothing():
    sources = [source(n, n % 2, format="PNG", pixels=100.0) for n in range(31)]
    assert list(found(sources)) == [TOGETHER]
    assert found(sources)[TOGETHER].auc.value == pytest.approx(0.5, abs=0.01)
    one_other = [*sources, source(31, 0, format="JPEG", pixels=100.0)]
    assert found(one_other)["format"].auc.value == pytest.approx(0.5, abs=0.05)


def test_people_count_and_not_their_files():
    """Two people of each class with 50 files each: the number may as well be of the person."""
    sources = [
        source(n, n % 2, identity=f"person {n % 4}", brightness=float(n % 4 in (1, 3)))
        for n in range(200)
    ]
    one = found(sources)["brightness"]
    assert one.auc.value == 1.0
    assert (one.auc.n_real, one.auc.n_fake) == (100, 100)
    assert one.may_be_chance


def test_all_together_find_what_none_tells_alone():
    rng = np.random.default_rng(2)
    sources = []
    for n in range(300):
        common = rng.normal()
        sources.append(
            source(n, n % 2, file_bytes=common + 0.3 * (n % 2), pixels=common - 0.3 * (n % 2))
        )
    names = found(sources)
    assert max(names["file_bytes"].auc.value, names["pixels"].auc.value) < 0.7
    assert names[TOGETHER].auc.value > 0.9


def test_an_attribute_counts_where_it_is_known():
    sources = [source(n, n % 2, jpeg_quality=float(n)) for n in range(10)]
    sources += [source(n, 1, format="PNG") for n in range(10, 20)]
    one = found(sources)["jpeg_quality"]
    assert (one.auc.n_real, one.auc.n_fake) == (5, 5)
    assert "frames_per_second" not in found(sources)


@pytest.mark.parametrize("labels", [[], [0], [0, 0, 0], [0, 1], [schema.UNKNOWN] * 3])
def test_without_both_classes_it_is_undefined(labels):
    sources = [source(n, label, pixels=float(n), format="PNG") for n, label in enumerate(labels)]
    measured = found(sources)
    assert isinstance(measured[TOGETHER].auc.value, Undefined)
    assert not warned(sources)
    json.dumps(by_split(sources), allow_nan=False)


def test_each_split_is_measured_by_itself_in_any_order():
    sources = [
        source(n, n % 2, split, pixels=float(n % 2 if split == "test" else n // 2))
        for n, split in enumerate(["train"] * 20 + ["test"] * 20)
    ]
    written = by_split(sources)
    assert written["splits"]["test"]["attributes"]["pixels"]["auc"] == 1.0
    assert written["splits"]["train"]["attributes"]["pixels"]["auc"] == 0.5
    assert 0.5 < written["attributes"]["pixels"]["auc"] < 1
    assert written == by_split(sources)
