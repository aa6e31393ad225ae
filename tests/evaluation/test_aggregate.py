import csv

import numpy as np
import pytest

from jaxfake import schema
from jaxfake.evaluation import missing_videos
from jaxfake.evaluation.aggregate import per_video, scored, with_missing
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.score_files import write_frames, write_scores
from jaxfake.runtime.errors import InputError

MANIPULATIONS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures")


def faces_scored(dataset, scores):
    scores = np.asarray(scores, np.float64)
    return FrameScores(np.arange(len(dataset)), scores, {"half": scores / 2})


def test_one_id_in_four_manipulations_stays_four_videos(make_dataset):
    """FaceForensics++: every manipulation of 000 by 003 is called 000_003."""
    videos = [("real", "000", 0, 2)] + [(name, "000_003", 1, 2) for name in MANIPULATIONS]
    dataset = make_dataset(videos)
    result = per_video(dataset.index, faces_scored(dataset, [1, 3, 10, 20, 30, 40, 50, 60, 70, 80]))
    assert result.method.tolist() == [*MANIPULATIONS, "real"]
    assert result.label.tolist() == [1, 1, 1, 1, 0]
    assert result.score.tolist() == [15, 35, 55, 75, 2]
    assert result.evidence["half"].tolist() == [7.5, 17.5, 27.5, 37.5, 1]
    assert result.faces.tolist() == [2] * 5


def test_names_that_only_look_alike_when_joined_stay_apart(make_dataset):
    dataset = make_dataset([("a", "b_c", 1, 1), ("a_b", "c", 1, 1), ("a/b", "c", 1, 1)])
    assert len(per_video(dataset.index, faces_scored(dataset, [1, 2, 3])).score) == 3


def test_a_video_with_both_labels_is_refused(make_dataset):
    dataset = make_dataset([("real", "000", 0, 1), ("real", "000", 1, 1)])
    with pytest.raises(InputError, match="toys/real/000"):
        per_video(dataset.index, faces_scored(dataset, [0, 1]))


def test_ids_shared_by_four_manipulations_stay_four_videos_each(make_dataset):
    """Grouped by folder name alone, as the field's benchmark does, these 27 videos would be 12."""
    ids = [f"{n:03}_{n + 1:03}" for n in range(5)]
    fakes = [(name, video, 1, 3) for name in MANIPULATIONS for video in ids]
    dataset = make_dataset([("real", f"{n:03}", 0, 3) for n in range(7)] + fakes)
    videos = per_video(dataset.index, faces_scored(dataset, dataset.index.label))
    assert len(videos.score) == 27
    assert (videos.label == schema.FAKE).sum() == 20
    for name in MANIPULATIONS:
        assert sorted(videos.video_id[videos.method == name]) == ids
    assert set(videos.score[videos.label == schema.FAKE]) == {1.0}
    assert set(videos.faces) == {3}


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [("mean", 0.5), ("median", 0.6), ("max", 0.8), ("mean_logit", 1 / (1 + 1.5 ** (1 / 3)))],
)
def test_aggregations_by_name(make_dataset, aggregation, expected):
    dataset = make_dataset([("real", "a", 0, 3), ("swap", "a", 1, 1)])
    frames = faces_scored(dataset, [0.1, 0.6, 0.8, 0.25])
    videos = per_video(dataset.index, frames, aggregation)
    np.testing.assert_allclose(videos.score, [expected, 0.25])
    assert videos.evidence["half"].tolist() == pytest.approx([0.25, 0.125])
    assert videos.identity.tolist() == ["person a", "person a"]


def test_mean_of_logits_takes_certain_faces_and_refuses_what_is_no_probability(make_dataset):
    dataset = make_dataset([("real", "a", 0, 2)])
    videos = per_video(dataset.index, faces_scored(dataset, [0.0, 1.0]), "mean_logit")
    assert videos.score[0] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="probabilities"):
        per_video(dataset.index, faces_scored(dataset, [0.0, 2.0]), "mean_logit")


def lost():
    return missing_videos.columns(
        [
            ("toys", "swap", "0", "person 0", 1, "no_face"),
            ("toys", "real", "b", "person b", 0, "unreadable: it is empty"),
        ]
    )


@pytest.mark.parametrize(("no_face", "scores"), [(0.5, [2, 6, 0.5, 9]), (None, [2, 6, 9])])
def test_videos_without_a_face_join_in_order(make_dataset, no_face, scores):
    dataset = make_dataset([("swap", "1", 1, 1), ("real", "a", 0, 2), ("real", "c", 0, 1)])
    with_face = per_video(dataset.index, faces_scored(dataset, [9, 1, 3, 6]))
    videos = with_missing(with_face, lost(), no_face)
    assert videos.video_id.tolist() == ["a", "b", "c", "0", "1"]
    assert videos.status.tolist() == ["ok", "unreadable: it is empty", "ok", "no_face", "ok"]
    assert videos.faces.tolist() == [2, 0, 1, 0, 1]
    assert videos.score[scored(videos)].tolist() == scores
    assert videos.video_id[videos.of_face].tolist() == ["1", "a", "a", "c"]
    assert np.isnan(videos.evidence["half"]).tolist() == [False, True, False, True, False]


def test_a_missing_video_has_a_row_in_the_file(make_dataset, tmp_path):
    dataset = make_dataset([("swap", "1", 1, 1)])
    videos = with_missing(per_video(dataset.index, faces_scored(dataset, [1])), lost(), 0.5)
    write_scores(tmp_path / "scores.csv", videos)
    assert (tmp_path / "scores.csv").read_text().splitlines()[1:] == [
        "toys,real,b,0,,0,0,unreadable: it is empty",
        "toys,swap,0,1,0.5,0,0,no_face",
        "toys,swap,1,1,1,1,1,ok",
    ]


def test_files_have_the_columns_and_order_of_the_contract(make_dataset, tmp_path):
    dataset = make_dataset(
        [("swap", 'b,"1"', 1, 2), ("real", "z", 0, 1), ("real", "a", 0, 1), ("who", "?", -1, 1)]
    )
    dataset.index.frame[:2] = 7  # two faces in one frame
    frames = faces_scored(dataset, np.array([0.1, 0.2, 0.3, 1 / 3, 5e-9], np.float32))
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
