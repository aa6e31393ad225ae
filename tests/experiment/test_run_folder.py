"""The names of a run's files, and names of others that must not lead elsewhere."""

from collections.abc import Callable
from pathlib import Path

from jaxfake.data.dataset import FaceDataset
from jaxfake.experiment.run_folder import RunFolder


def test_results_lie_under_the_name_of_the_dataset_and_the_split(dataset, tmp_path: Path) -> None:
    assert RunFolder(tmp_path).results(dataset) == tmp_path / "eval" / "toys" / "test"


def test_a_dataset_cannot_name_a_folder_elsewhere(
    make_dataset: Callable[..., FaceDataset], tmp_path: Path
) -> None:
    dataset = make_dataset([("real", "000", 0, 1)], dataset="../../etc")
    folder = RunFolder(tmp_path).results(dataset)
    assert folder.resolve().is_relative_to(tmp_path / "eval")
