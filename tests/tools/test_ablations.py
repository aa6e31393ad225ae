"""The table of ablations: what shares a stage 1, and what is read from finished runs."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from absl.testing import flagsaver

from jaxfake.evaluation.metrics.paired_auc import AucDifference
from jaxfake.experiment import presets
from jaxfake.runtime.errors import InputError
from jaxfake.schema import SCORE_COLUMNS
from tests.project import ROOT
from tools import ablations
from tools.ablation_results import SCORES, Row, Run, compared, read_run
from tools.ablation_tables import paired_table, result_tables


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_stage_one_is_shared_by_all_that_have_the_same() -> None:
    default = ablations._stage_one_of("configs/mover.py", "0")
    assert default
    for name in ("configs/mover.py:finetuned", "configs/recap.py", "configs/deepfakemae.py"):
        assert ablations._stage_one_of(name, "0") == default
    for name, seed in (("configs/mover.py", "1"), ("configs/mover.py:mask_11", "0")):
        assert ablations._stage_one_of(name, seed) != default
    faces = {ablations._stage_one_of(f"configs/mover.py:{name}", "0") for name in presets.FACES}
    assert len(faces) == 1
    assert ablations._stage_one_of("configs/mover.py:scratch", "0") == ""
    with flagsaver.flagsaver((ablations._CHANGES, ["recover.steps=3"])):
        assert ablations._stage_one_of("configs/mover.py", "0") != default


def _finished(folder: Path, auc: float, dice: float | None) -> Path:
    def maps(value: float | None) -> dict[str, object]:
        named = {"detector": value, "nothing": 0.0, "central box": 0.4}
        return {name: {"mean_over_faces": {"dice": one}} for name, one in named.items()}

    result = {
        "video": {"auc": auc, "auc_ci95": [auc - 0.05, auc + 0.05], "n_real": 120, "n_fake": 240},
        "confounds": {"attributes": {"file_bytes": {"auc": 0.55}}},
        "baselines": {"linear_probe_stage_1": {"auc": 0.61}, "recovery_relative": {"auc": None}},
        "per_method": {"eyes": {"video": {"auc": auc - 0.1}}},
        "localisation": {
            "maps": maps(dice),
            "per_method": {"eyes": {"maps": maps(dice)}},
            "reals": {"maps": {"detector": {"area": None if dice is None else 0.05}}},
        },
    }
    (folder / "eval" / "toyfaces" / "test").mkdir(parents=True)
    (folder / "eval" / "toyfaces" / "test" / "metrics.json").write_text(json.dumps(result))
    return folder


def _row(folder: Path, name: str, dice: float | None) -> Row:
    def runs(kind: str, less: float) -> tuple[Run, ...]:
        return tuple(
            read_run(_finished(folder / f"{kind}{n}", auc - less, dice))
            for n, auc in enumerate((0.9, 0.92, 0.94))
        )

    return Row(name, runs("seen", 0.0), {"eyes": runs("unseen", 0.2)})


def test_the_tables_have_mean_spread_and_every_seed(tmp_path: Path) -> None:
    tables = result_tables([_row(tmp_path, "configs/delocate.py", 0.7)], ["0", "1", "2"])
    assert "| configs/delocate.py | 0.920 ± 0.020 | 0.900, 0.920, 0.940 | 0.820 ± 0.020 |" in tables
    assert "| configs/delocate.py | 0.700 ± 0.000 | 0.400 ± 0.000 | 0.050 ± 0.000 |" in tables
    assert "| 0.620 ± 0.020 (0.820 ± 0.020) | 0.700 ± 0.000 (0.700 ± 0.000) |" in tables
    assert "120 real and 240 fake videos; mean ± standard deviation over 3 seeds" in tables


def test_each_run_has_its_interval_and_its_floors_beside_it(tmp_path: Path) -> None:
    tables = result_tables([_row(tmp_path, "configs/mover.py", None)], ["0", "1", "2"])
    header = "| file size | file, size and light together | stage 1 alone | probe on stage 1 |"
    assert header in tables
    assert "| configs/mover.py | 1 | 0.920 | 0.870 to 0.970 | 0.550 | – | – | 0.610 | – |" in tables


def test_a_heat_without_a_threshold_has_no_dice_in_the_tables(tmp_path: Path) -> None:
    tables = result_tables([_row(tmp_path, "configs/mover.py", None)], ["0", "1", "2"])
    assert "| configs/mover.py | – | 0.400 ± 0.000 | – | – |" in tables


def _scored(folder: Path, apart: float, seed: int) -> Run:
    """A finished run whose fakes score higher than its reals by so much on average."""
    rng = np.random.default_rng(seed)
    rows, people = [",".join(SCORE_COLUMNS)], ["dataset,method,video_id,identity"]
    for person in range(40):
        for label, method in enumerate(("real", "eyes")):
            video = f"toys,{method},{person}_{label}"
            values = {
                "label": label,
                "score": f"{rng.normal() + apart * label:.6f}",
                "status": "ok",
            }
            rows.append(",".join([video, *(str(values.get(c, 1)) for c in SCORE_COLUMNS[3:])]))
            people.append(f"{video},{person}")
    run = read_run(_finished(folder, 0.9, None))
    (run.results / SCORES).write_text("\n".join(rows) + "\n")
    (run.results / "people.csv").write_text("\n".join(people) + "\n")
    return run


def test_configs_are_compared_on_the_same_videos_with_the_first(tmp_path: Path) -> None:
    rows = [
        Row(name, (_scored(tmp_path / name, apart, 0),), {})
        for name, apart in (("good", 2.0), ("bad", 0.0))
    ]
    (alone,) = [run.results / "recover" for run in rows[0].seen]
    alone.mkdir()
    (alone / SCORES).write_text((rows[1].seen[0].results / SCORES).read_text())
    bad, stage_one = compared(rows)
    assert (bad.name, stage_one.name) == ("bad", "error of stage 1 alone")
    assert bad.differences == stage_one.differences
    (difference,) = bad.differences
    assert isinstance(difference, AucDifference)
    assert difference.value < -0.2
    assert difference.ci95.low < difference.value < difference.ci95.high < 0
    text = paired_table([bad], ["0"])
    assert f"| bad | {difference.value:+.3f} ({difference.ci95.low:+.3f} to " in text


def test_a_run_without_one_result_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 0 results of a test split"):
        read_run(tmp_path)


def test_runs_that_train_a_stage_one_go_first_and_the_others_start_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[list[tuple[Path, list[str]]]] = []
    monkeypatch.setattr(ablations, "_run_group", groups.append)
    names = ["configs/mover.py", "configs/recap.py", "configs/mover.py:scratch"]
    with flagsaver.flagsaver((ablations._RUNS, str(tmp_path))):
        ablations._run_all([ablations.Wanted(n, s, "") for n in names for s in ("0", "1")])
    first, others = ([folder.name for folder, _ in group] for group in groups)
    assert first == ["mover_default_0", "mover_default_1", "mover_scratch_0", "mover_scratch_1"]
    assert others == ["recap_default_0", "recap_default_1"]
    assert f"--config.start={tmp_path / 'mover_default_1'}" in groups[1][1][1]
    assert not any("--config.start" in part for _, command in groups[0] for part in command)


def test_a_run_that_failed_is_named_and_no_table_is_made(tmp_path: Path) -> None:
    failing = [(tmp_path / "a_0", [sys.executable, "-c", "raise SystemExit(3)"])]
    for at_once in (1, 2):
        with (
            flagsaver.flagsaver((ablations._AT_ONCE, at_once)),
            pytest.raises(InputError, match="a_0 ended with exit code 3"),
        ):
            ablations._run_group(failing)
