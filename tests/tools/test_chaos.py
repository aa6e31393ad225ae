"""The fault injection itself: its schedule, its damage, and that it notices a difference."""

import json
from collections import Counter
from pathlib import Path
from time import perf_counter

import pytest

from jaxfake.runtime.errors import InputError
from tools.chaos import checks, compare, file_damage, schedule


def test_a_schedule_depends_on_its_seed_alone_and_has_every_kind() -> None:
    events = schedule.draw(7, 100, list(schedule.SHARES))
    assert events == schedule.draw(7, 100, list(schedule.SHARES))
    assert events != schedule.draw(8, 100, list(schedule.SHARES))
    assert Counter(event.kind for event in events) == schedule.SHARES
    kinds = list(schedule.SHARES)
    assert {event.kind for event in schedule.draw(7, len(kinds), kinds)} == set(kinds)
    with pytest.raises(InputError, match="no 'rain'"):
        schedule.draw(7, 8, ["rain"])


def test_every_kind_of_file_is_damaged_in_every_way_before_any_is_damaged_twice(
    tmp_path: Path,
) -> None:
    files = {"meta/metadata": b"notes", "state/d/" + "0" * 32: b"a", "state/d/" + "1" * 32: b"b"}
    so_far, done = Counter[tuple[str, str]](), set[str]()
    for event in schedule.draw(0, 6, ["damage"]):
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        before = compare.digests(tmp_path)
        done.add(file_damage.damage(tmp_path, event, so_far))
        after = compare.digests(tmp_path)
        assert sum(after[name] != before[name] for name in files) == 1
    assert len(done) == 6
    assert set(so_far.values()) == {1}


def test_a_run_with_other_results_is_noticed(tmp_path: Path) -> None:
    reference, other = (_run(tmp_path / name) for name in ("reference", "other"))
    assert compare.same_end(reference, other)
    _write_metadata(other, fingerprint=[[1, 3]])
    (other / "eval" / "scores.csv").write_text("b,0.1\n")
    (other / "metrics.jsonl").write_text(_row(1, loss=0.5) + _row(2, loss=0.3))
    assert len(compare.differences(reference, other)) == 3


def test_missing_rows_are_not_a_difference_but_wrong_rows_are(tmp_path: Path) -> None:
    reference, other = (_run(tmp_path / name) for name in ("reference", "other"))
    rows = other / "metrics.jsonl"
    rows.write_text(_row(2, loss=0.25)[:20])
    assert compare.differences(reference, other)
    assert not compare.differences(reference, other, rows_were_lost=True)
    rows.write_text(_row(2, loss=0.26))
    assert compare.differences(reference, other, rows_were_lost=True)


def test_a_checkpoint_that_was_changed_is_noticed_and_one_that_got_its_score_is_not(
    tmp_path: Path,
) -> None:
    run = _run(tmp_path / "run")
    before = checks.checkpoint_digests(run)
    newest = run / "checkpoints" / "recover" / "2"
    (newest / "score.json").write_text("0.5")
    assert checks.lost_checkpoints(before, run) == []
    (newest / "meta" / "metadata").write_text("{}")
    assert checks.lost_checkpoints(before, run) == [f"{newest} has changed"]


def _run(folder: Path) -> Path:
    """A finished run of two steps."""
    _write_metadata(folder, fingerprint=[[1, 2]])
    (folder / "eval").mkdir()
    (folder / "eval" / "scores.csv").write_text("a,0.1\n")
    (folder / "metrics.jsonl").write_text(_row(1, loss=0.5) + _row(2, loss=0.25))
    return folder


def _write_metadata(folder: Path, fingerprint: list[list[int]]) -> None:
    meta = folder / "checkpoints" / "recover" / "2" / "meta" / "metadata"
    meta.parent.mkdir(parents=True, exist_ok=True)
    meta.write_text(json.dumps({"content": {"fingerprint": fingerprint}}))


def _row(step: int, loss: float) -> str:
    measured = {"faces_per_second": perf_counter(), "wall/save": perf_counter()}
    return json.dumps({"stage": "recover", "step": step, "loss": loss, **measured}) + "\n"
