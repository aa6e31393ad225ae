"""The table of ablations: what shares a stage 1, and what is read from finished runs."""

import json
from pathlib import Path

import pytest
from absl.testing import flagsaver

from jaxfake.errors import InputError
from tools import ablations


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])


def test_stage_one_is_shared_by_all_that_have_the_same() -> None:
    default = ablations._stage_one_of("configs/mover.py", "0")
    assert default
    for name in ("configs/mover.py:finetuned", "configs/recap.py", "configs/deepfakemae.py"):
        assert ablations._stage_one_of(name, "0") == default
    for name, seed in (("configs/mover.py", "1"), ("configs/mover.py:mask_4", "0")):
        assert ablations._stage_one_of(name, seed) != default
    assert ablations._stage_one_of("configs/mover.py:scratch", "0") == ""
    with flagsaver.flagsaver((ablations._CHANGES, ["recover.steps=3"])):
        assert ablations._stage_one_of("configs/mover.py", "0") != default


def _finished(folder: Path, auc: float) -> Path:
    result = {
        "video": {"auc": auc, "n_real": 120, "n_fake": 240},
        "per_method": {"eyes": {"video": {"auc": auc - 0.1}}},
    }
    (folder / "eval" / "toyfaces" / "test").mkdir(parents=True)
    (folder / "eval" / "toyfaces" / "test" / "metrics.json").write_text(json.dumps(result))
    return folder


def test_the_table_has_mean_spread_and_every_seed(tmp_path: Path) -> None:
    runs = [_finished(tmp_path / str(n), auc) for n, auc in enumerate((0.9, 0.92, 0.94))]
    row = ablations._row("configs/mover.py", runs)
    table = ablations._table([row])
    assert "| configs/mover.py | 0.920 ± 0.020 | 0.900, 0.920, 0.940 | 0.820 ± 0.020 |" in table
    assert "120 real and 240 fake videos" in table


def test_a_run_without_one_result_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 0 results of a test split"):
        ablations._row("configs/mover.py", [tmp_path])
