"""Four methods over three seeds, by one command's work, from files of scores alone."""

import itertools
import json

import numpy as np
import pytest
from sklearn import metrics as oracle

from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.stored_scores.columns import ScoreColumns
from jaxfake.experiment.from_scores.compare_scores import (
    ComparisonRequest,
    compare_scores,
    parse_methods,
)
from jaxfake.runtime.errors import InputError

GAINS = {"mover": 1.5, "recap": 1.45, "delocate": 2.6, "deepfakemae": 0.2}
HEADER = "dataset,method,video_id,label,score,frames,faces,status\n"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of each method: the scores of 60 people, each with a real and a fake."""
    rng, root = np.random.default_rng(0), tmp_path_factory.mktemp("runs")
    person = rng.normal(size=60)
    for (name, gain), seed in itertools.product(GAINS.items(), range(3)):
        folder = root / f"{name}_{seed}"
        folder.mkdir()
        rows = []
        for label, method in ((0, "real"), (1, "lips")):
            logits = person + rng.normal(size=60) + label * (gain + 0.1 * rng.normal())
            scores = 1 / (1 + np.exp(-logits))
            rows += [f"toys,{method},{n},{label},{one:.9g},1,1,ok" for n, one in enumerate(scores)]
        (folder / "scores.csv").write_text(HEADER + "\n".join(rows) + "\n")
        names = [f"toys,{method},{n},p{n}" for method in ("real", "lips") for n in range(60)]
        people = "dataset,method,video_id,identity\n" + "\n".join(names) + "\n"
        (folder / "people.csv").write_text(people)
    return root


def compared(runs, out, **changes):
    files = parse_methods([f"{name}={runs}/{name}_*/scores.csv" for name in GAINS])
    values = {"columns": ScoreColumns(), "protocol": None, "bootstrap": Bootstrap(200, 0)}
    words = compare_scores(ComparisonRequest(files, out, **{**values, **changes}))
    return words, json.loads((out / "comparison.json").read_text())


def test_every_two_methods_are_compared_and_corrected_together(runs, tmp_path):
    words, saved = compared(runs, tmp_path)
    toys = saved["datasets"]["toys"]
    assert (toys["n_real"], toys["n_fake"], toys["people"], toys["left_out"]) == (60, 60, 60, 0)
    assert toys["people_known"]
    assert {name: len(one["seeds"]) for name, one in toys["methods"].items()} == dict.fromkeys(
        GAINS, 3
    )
    pairs = {(one["first"], one["second"]): one for one in saved["pairs"]}
    assert len(pairs) == 6
    assert all(one["p_holm"] >= one["p_value"] for one in pairs.values())
    assert all(one["seeds_counted"] for one in pairs.values())
    assert pairs["delocate", "deepfakemae"]["p_holm"] < 0.05
    assert pairs["mover", "recap"]["p_holm"] > 0.3
    assert sum("p " in line for line in words) == 6
    page = (tmp_path / "report.html").read_text()
    assert "corrected for all comparisons" in page
    for title in ("ROC curves", "Reliability of each method", "Scores of reals and fakes, recap"):
        assert title in page
    assert page.count('class="highlight"') == len(GAINS)


def test_the_numbers_are_means_over_seeds(runs, tmp_path):
    _, saved = compared(runs, tmp_path)
    for name, method in saved["datasets"]["toys"]["methods"].items():
        aucs = []
        for seed in range(3):
            text = (runs / f"{name}_{seed}" / "scores.csv").read_text().splitlines()[1:]
            columns = list(zip(*(line.split(",") for line in text), strict=True))
            label, score = np.array(columns[3], int), np.array(columns[4], float)
            aucs.append(oracle.roc_auc_score(label, score))
        assert method["mean_auc"] == pytest.approx(np.mean(aucs))
        assert method["standard_deviation"] == pytest.approx(np.std(aucs, ddof=1))
        assert [one["auc"] for one in method["seeds"]] == pytest.approx(aucs)
        assert method["per_method"] == {"lips": {"mean_auc": pytest.approx(np.mean(aucs))}}
    for pair in saved["pairs"]:
        first, second = (
            saved["datasets"]["toys"]["methods"][pair[key]]["mean_auc"]
            for key in ("first", "second")
        )
        assert pair["difference"] == pytest.approx(first - second)
        assert pair["ci95"][0] < pair["difference"] < pair["ci95"][1]
        assert pair["bootstrap_ci95"][0] < pair["difference"] < pair["bootstrap_ci95"][1]


def test_a_copy_of_a_file_is_not_another_seed(runs, tmp_path):
    copy = tmp_path / "scores.csv"
    copy.write_bytes((runs / "mover_0" / "scores.csv").read_bytes())
    files = parse_methods([f"mover={runs}/mover_0/scores.csv", f"recap={copy}"])
    values = (tmp_path / "out", ScoreColumns(), None, Bootstrap(2, 0))
    with pytest.raises(InputError, match="copies of one file"):
        compare_scores(ComparisonRequest(files, *values))
    with pytest.raises(InputError, match="named twice"):
        parse_methods([f"mover={copy}", f"mover={copy}", f"recap={runs}/recap_0/scores.csv"])


@pytest.mark.parametrize("texts", [[], ["mover"], ["=x.csv"], ["mover=/nowhere/*.csv"]])
def test_a_method_without_a_file_is_named(texts):
    with pytest.raises(InputError, match="--method"):
        parse_methods(texts)


def test_one_method_is_nothing_to_compare(runs):
    with pytest.raises(InputError, match="at least two"):
        parse_methods([f"mover={runs}/mover_*/scores.csv"])
