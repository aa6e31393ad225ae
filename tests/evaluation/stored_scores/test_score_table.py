"""Score files of jaxfake and of other tools: read as they are meant, or refused in one clear line."""

import numpy as np
import pytest

from jaxfake.evaluation import score_files
from jaxfake.evaluation.aggregate import per_video
from jaxfake.evaluation.stored_scores.columns import ScoreColumns
from jaxfake.evaluation.stored_scores.table import by_dataset, read_scores
from jaxfake.runtime.errors import InputError
from tests.in_memory import build_dataset, random_scores

OURS = "dataset,method,video_id,label,score,frames,faces,status\n"
FOREIGN = "id,kind,prob\na.mp4,real,0.25\nb.mp4,FAKE,0.75\nc.mp4,fake,\n"
NAMES = {"video_id": "id", "label": "kind", "score": "prob"}


@pytest.fixture
def file(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "scores.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_what_we_write_is_read_back(tmp_path):
    names = [("real", "=1+1", 0, 2), ("real", "'b", 0, 1), ("lips", "=1+1", 1, 2)]
    dataset = build_dataset(names, dataset="@toys")
    videos = per_video(dataset.index, random_scores(dataset))
    score_files.write_scores(tmp_path / "scores.csv", videos)
    alone = read_scores(tmp_path / "scores.csv", ScoreColumns())
    assert not alone.people_known
    assert len(set(alone.person)) == 3
    score_files.write_people(tmp_path / "people.csv", videos)
    table = read_scores(tmp_path / "scores.csv", ScoreColumns())
    assert set(table.keys()) == {("@toys", method, video) for method, video, _, _ in names}
    np.testing.assert_allclose(table.score, videos.score, rtol=1e-8)
    np.testing.assert_array_equal(table.label, videos.label)
    assert table.people_known
    assert len(set(table.person)) == 2  # '=1+1' is one person, in a real and in a fake
    assert table.frames.tolist() == videos.frames.tolist()


def test_the_file_of_another_tool_is_read_by_what_is_said_of_it(file):
    table = read_scores(file(FOREIGN), ScoreColumns("fake_high", NAMES))
    assert table.video_id.tolist() == ["a.mp4", "b.mp4", "c.mp4"]
    assert table.label.tolist() == [0, 1, 1]
    assert table.score.tolist()[:2] == [0.25, 0.75]
    assert table.scored.tolist() == [True, True, False]
    assert table.status.tolist() == ["ok", "ok", "no score"]
    assert set(table.dataset) == {"scores"}


def test_a_low_score_of_fakes_is_turned_round(file):
    table = read_scores(file(FOREIGN), ScoreColumns("fake_low", NAMES))
    assert table.score.tolist()[:2] == [0.75, 0.25]
    logits = FOREIGN.replace("0.75", "-3.5")
    table = read_scores(file(logits), ScoreColumns("fake_low", NAMES))
    assert table.score.tolist()[:2] == [-0.25, 3.5]
    assert not table.probability


def test_numbers_as_labels_mean_what_is_said(file):
    numbers = FOREIGN.replace("real", "1").replace("FAKE", "0").replace("fake", "0")
    given = ScoreColumns("fake_high", NAMES, fake_label=0)
    assert read_scores(file(numbers), given).label.tolist() == [0, 1, 1]
    with pytest.raises(InputError, match=r"line 2: .*--fake_label"):
        read_scores(file(numbers), ScoreColumns("fake_high", NAMES))


def test_which_way_scores_point_is_never_guessed(file):
    with pytest.raises(InputError, match="--polarity"):
        read_scores(file(FOREIGN), ScoreColumns(names=NAMES))
    nearly = OURS.replace("faces,", "").rstrip() + "\nd,real,a,0,0.5,1,ok\n"
    with pytest.raises(InputError, match="--polarity"):
        read_scores(file(nearly), ScoreColumns())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        (OURS, "no rows"),
        (OURS + "d,real,a,0,0.5,1,1\n", "line 2: it has 7 columns"),
        (OURS + "d,real,a,0,x,1,1,ok\n", "line 2: its score is 'x'"),
        (OURS + "d,real,a,0,nan,1,1,ok\n", "line 2: its score is 'nan'"),
        (OURS + "d,real,a,0,inf,1,1,ok\n", "line 2: its score is 'inf'"),
        (OURS + "d,real,a,2,0.5,1,1,ok\n", "line 2: its label is '2'"),
        (OURS + "d,real,,0,0.5,1,1,ok\n", "line 2: its video_id is empty"),
        (OURS + 2 * "d,real,a,0,0.5,1,1,ok\n", "d/real/a twice"),
        (OURS + 'd,real,"a,0,0.5,1,1,ok\n', "not a CSV file"),
        (OURS + "d,real,\ud800,0,0.5,1,1,ok\n", "not a CSV file in UTF-8"),
        (f"{'a' * 200_000}\n", "not a CSV file"),
        ("video_id,label,score,score\na,real,1,2\n", "'score' 2 times"),
        ("video_id,label\na,real\n", "no column 'score'"),
    ],
)
def test_a_bad_file_is_named_in_one_line(file, text, said):
    path = file("")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError, match=said) as refused:
        read_scores(path, ScoreColumns("fake_high"))
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_or_not_a_file_is_named(tmp_path):
    for path, said in ((tmp_path / "no.csv", "is not there"), (tmp_path, "is a folder")):
        with pytest.raises(InputError, match=said):
            read_scores(path, ScoreColumns())


def test_two_files_of_one_dataset_are_not_mixed(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "scores.csv").write_text(OURS + "d,real,a,0,0.5,1,1,ok\n")
    tables = [read_scores(tmp_path / name / "scores.csv", ScoreColumns()) for name in "ab"]
    with pytest.raises(InputError, match="both of the dataset 'd'"):
        by_dataset(tables)
    assert list(by_dataset(tables[:1])) == ["d"]


def test_damaged_people_are_named(tmp_path):
    (tmp_path / "scores.csv").write_text(OURS + "d,real,a,0,0.5,1,1,ok\n")
    for damage in ("who\n", "dataset,method,video_id,identity\nd,real,a\n"):
        (tmp_path / "people.csv").write_text(damage)
        with pytest.raises(InputError, match=r"people\.csv is damaged"):
            read_scores(tmp_path / "scores.csv", ScoreColumns())
