"""The chaos tool itself: what it draws, what it damages, and that it sees a difference."""

import json
from collections import Counter
from pathlib import Path
from time import perf_counter

import pytest

from jaxfake.runtime.errors import InputError
from tools.chaos import compare, weather, wreck


def test_a_storm_is_the_same_again_by_its_seed_and_has_every_kind() -> None:
    events = weather.draw(7, 100, list(weather.SHARES))
    assert events == weather.draw(7, 100, list(weather.SHARES))
    assert events != weather.draw(8, 100, list(weather.SHARES))
    assert Counter(event.kind for event in events) == weather.SHARES
    assert {event.kind for event in weather.draw(7, 8, list(weather.SHARES))} == set(weather.SHARES)
    with pytest.raises(InputError, match="no 'rain'"):
        weather.draw(7, 8, ["rain"])


def test_every_kind_of_file_is_damaged_in_every_way_before_any_is_twice(tmp_path: Path) -> None:
    files = {"meta/metadata": b"notes", "state/d/" + "0" * 32: b"a", "state/d/" + "1" * 32: b"b"}
    so_far, done = Counter[tuple[str, str]](), set[str]()
    for event in weather.draw(0, 6, ["damage"]):
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        before = compare.digests(tmp_path)
        done.add(wreck.damage(tmp_path, event, so_far))
        after = compare.digests(tmp_path)
        assert sum(after[name] != before[name] for name in files) == 1
    assert len(done) == 6
    assert set(so_far.values()) == {1}


def test_a_run_that_ended_otherwise_is_seen(tmp_path: Path) -> None:
    calm, other = (_run(tmp_path / name) for name in ("calm", "other"))
    assert compare.same_end(calm, other)
    _note(other, fingerprint=[[1, 3]])
    (other / "eval" / "scores.csv").write_text("b,0.1\n")
    (other / "metrics.jsonl").write_text(_row(1, loss=0.5) + _row(2, loss=0.3))
    assert len(compare.differences(calm, other)) == 3


def test_rows_that_were_cut_off_are_no_difference_but_wrong_ones_are(tmp_path: Path) -> None:
    calm, other = (_run(tmp_path / name) for name in ("calm", "other"))
    rows = other / "metrics.jsonl"
    rows.write_text(_row(2, loss=0.25)[:20])
    assert compare.differences(calm, other)
    assert not compare.differences(calm, other, rows_were_lost=True)
    rows.write_text(_row(2, loss=0.26))
    assert compare.differences(calm, other, rows_were_lost=True)


def _run(folder: Path) -> Path:
    """A finished run of two steps."""
    _note(folder, fingerprint=[[1, 2]])
    (folder / "eval").mkdir()
    (folder / "eval" / "scores.csv").write_text("a,0.1\n")
    (folder / "metrics.jsonl").write_text(_row(1, loss=0.5) + _row(2, loss=0.25))
    return folder


def _note(folder: Path, fingerprint: list[list[int]]) -> None:
    meta = folder / "checkpoints" / "recover" / "2" / "meta" / "metadata"
    meta.parent.mkdir(parents=True, exist_ok=True)
    meta.write_text(json.dumps({"content": {"fingerprint": fingerprint}}))


def _row(step: int, loss: float) -> str:
    measured = {"faces_per_second": perf_counter(), "wall/save": perf_counter()}
    return json.dumps({"stage": "recover", "step": step, "loss": loss, **measured}) + "\n"
