import numpy as np
import pytest

from jaxfake.evaluation.stored_scores.alignment import align
from jaxfake.evaluation.stored_scores.columns import ScoreColumns
from jaxfake.evaluation.stored_scores.table import read_scores
from jaxfake.runtime.errors import InputError

HEADER = "dataset,method,video_id,identity,label,score\n"


@pytest.fixture
def tables(tmp_path):
    def read(*files):
        for n, rows in enumerate(files):
            (tmp_path / f"{n}.csv").write_text(HEADER + "\n".join(rows) + "\n")
        given = ScoreColumns("fake_high")
        return [read_scores(tmp_path / f"{n}.csv", given) for n in range(len(files))]

    return read


def test_only_videos_that_all_scored_are_compared_in_one_order(tables):
    one, other = tables(
        ["d,real,a,,real,0.1", "d,lips,a,,fake,0.9", "d,real,b,,real,0.2", "d,real,c,,,0.3"],
        ["d,real,b,p,real,0.5", "d,lips,a,q,fake,0.7", "d,real,a,p,real,", "d,real,c,p,real,0.4"],
    )
    at = align([one, other])
    assert at.keys == [("d", "lips", "a"), ("d", "real", "b")]
    np.testing.assert_array_equal(at.scores, [[0.9, 0.2], [0.7, 0.5]])
    assert at.label.tolist() == [1, 0]
    assert at.left_out == 2
    assert at.people_known  # the second file says it
    assert at.person[0] != at.person[1]


def test_labels_that_differ_are_refused(tables):
    with pytest.raises(InputError, match="d/x/a different labels"):
        align(tables(["d,x,a,,real,0.1"], ["d,x,a,,fake,0.1"]))


def test_other_videos_are_refused(tables):
    with pytest.raises(InputError, match="no scored video in common"):
        align(tables(["d,x,a,,real,0.1"], ["d,x,b,,real,0.1"]))
