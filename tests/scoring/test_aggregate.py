import csv

import numpy as np
import pytest

from jaxfake import schema
from jaxfake.errors import InputError
from jaxfake.scoring.aggregate import per_video, write_frames, write_scores
from jaxfake.scoring.predict import FrameScores

MANIPULATIONS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures")


def scored(dataset, scores):
    scores = np.asarray(scores, np.float64)
    return FrameScores(np.arange(len(dataset)), scores, {"half": scores / 2})


def test_one_id_in_four_manipulations_stays_four_videos(make_dataset):
    """FaceForensics++: every manipulation of 000 by 003 is called 000_003."""
    videos = [("real", "000", 0, 2)] + [(name, "000_003", 1, 2) for name in MANIPULATIONS]
    dataset = make_dataset(videos)
    result = per_video(dataset.index, scored(dataset, [1, 3, 10, 20, 30, 40, 50, 60, 70, 80]))
    assert result.method.tolist() == [*MANIPULATIONS, "real"]
    assert result.label.tolist() == [1, 1, 1, 1, 0]
    assert result.score.tolist() == [15, 35, 55, 75, 2]
    assert result.evidence["half"].tolist() == [7.5, 17.5, 27.5, 37.5, 1]
    assert result.faces.tolist() == [2] * 5


def test_names_that_only_look_alike_when_joined_stay_apart(make_dataset):
    dataset = make_dataset([("a", "b_c", 1, 1), ("a_b", "c", 1, 1), ("a/b", "c", 1, 1)])
    assert len(per_video(dataset.index, scored(dataset, [1, 2, 3])).score) == 3


def test_a_video_with_both_labels_is_refused(make_dataset):
    dataset = make_dataset([("real", "000", 0, 1), ("real", "000", 1, 1)])
    with pytest.raises(InputError, match="toys/real/000"):
        per_video(dataset.index, scored(dataset, [0, 1]))


def test_files_have_the_columns_and_order_of_the_contract(make_dataset, tmp_path):
    dataset = make_dataset(
        [("swap", 'b,"1"', 1, 2), ("real", "z", 0, 1), ("real", "a", 0, 1), ("who", "?", -1, 1)]
    )
    dataset.index.frame[:2] = 7  # two faces in one frame
    frames = scored(dataset, np.array([0.1, 0.2, 0.3, 1 / 3, 5e-9], np.float32))
    write_frames(tmp_path / "frames.csv", dataset.index, frames)
    write_scores(tmp_path / "scores.csv", per_video(dataset.index, frames))
    with (tmp_path / "frames.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert tuple(head) == schema.FRAME_COLUMNS
    assert [row[1:6] for row in rows] == [
        ["real", "a", "0", "0", "0"],
        ["real", "z", "0", "0", "0"],
        ["swap", 'b,"1"', "7", "0", "1"],
        ["swap", 'b,"1"', "7", "1", "1"],
        ["who", "?", "0", "0", ""],
    ]
    in_file = [np.float32(row[6]) for row in rows]
    assert in_file == frames.score[[3, 2, 0, 1, 4]].astype(np.float32).tolist()
    with (tmp_path / "scores.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert tuple(head) == schema.SCORE_COLUMNS
    assert rows[2] == ["toys", "swap", 'b,"1"', "1", "0.150000002", "1", "2", "ok"]
    assert rows[3][3] == ""
