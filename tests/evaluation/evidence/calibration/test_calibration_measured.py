"""What a calibration is worth is measured on other videos, and an undefined number has a reason."""

import json

import numpy as np
import pytest
from sklearn import metrics as oracle

from jaxfake.evaluation.evidence.calibration.fit import fit
from jaxfake.evaluation.evidence.calibration.measured import calibrated_json, measure_calibrated
from jaxfake.evaluation.metrics.undefined import Undefined
from tests.evaluation.evidence.calibration.cases import SOURCE, drawn, fitted


@pytest.fixture(scope="module")
def result():
    labels, scores, _ = drawn(5, people=300)
    return measure_calibrated(fitted(people=300), labels, scores)


def test_calibration_mends_scores_that_are_too_sure():
    labels, scores, _ = drawn(5, people=1000)
    sure = 1 / (1 + (1 / scores - 1) ** 4)
    found = measure_calibrated(fitted(people=1000), labels, sure)
    validation, at, person = drawn(0, people=1000)
    mended = fit("platt", validation, 1 / (1 + (1 / at - 1) ** 4), person, SOURCE)
    good = measure_calibrated(mended, labels, sure)
    assert good.calibrated.ece < 0.05 < good.raw.ece
    assert good.calibrated.brier < good.raw.brier
    assert good.cllr < found.cllr
    assert good.cllr_min <= good.cllr < 1


def test_thresholds_state_what_they_do_on_these_videos(result):
    rows = {row.rate: row for row in result.alarms}
    assert isinstance(rows[0.001].threshold, Undefined)  # 999 people would be needed
    assert rows[0.001].found is None
    for rate in (0.01, 0.05, 0.1):
        row = rows[rate]
        false, found = ((result.scores >= row.threshold) & (result.labels == n) for n in (0, 1))
        assert (row.false_alarms, row.found) == (false.sum(), found.sum())
        assert (row.reals, row.fakes) == (300, 300)
    assert rows[0.01].found < rows[0.1].found


def test_abstaining_is_scored_with_its_coverage(result):
    one = result.abstention
    assert 0.1 < one.answered < 0.9
    assert max(one.wrong_reals, one.wrong_fakes) < 0.1
    answer_all = oracle.accuracy_score(result.labels, result.log10_lr > 0)
    assert one.accuracy > answer_all
    assert result.risk.risk[-1] == pytest.approx(1 - answer_all)


def test_inputs_unlike_validation_are_not_answered(result):
    unlike = np.arange(len(result.labels)) % 2 == 0
    found = measure_calibrated(result.calibration, result.labels, result.scores, unlike)
    assert found.abstention.out_of_range == 0.5
    assert found.abstention.answered < 0.6 * result.abstention.answered + 0.05


def test_results_name_the_calibration_and_hold_no_nan(result):
    fields = calibrated_json(result)
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields
    assert fields["sha256"] == result.calibration.sha256
    assert fields["fitted_on"]["split"] == "val"
    assert fields["thresholds"][0]["threshold"] is None
    assert "999 people" in fields["thresholds"][0]["threshold_reason"]


def test_one_class_has_reasons():
    labels, scores, _ = drawn(5)
    reals = labels == 0
    fields = calibrated_json(measure_calibrated(fitted(), labels[reals], scores[reals]))
    assert fields["cllr"] is None
    assert fields["misleading_reals"] is None
    assert fields["abstention"]["wrong_fakes"] is None
    assert fields["abstention"]["wrong_reals"] is not None
