"""`frames.csv`, a row for each face, `scores.csv`, a row for each video, and `people.csv`, who is in it."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import Index
from jaxfake.evaluation.aggregate import VideoScores, chosen_rows
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.stored_scores import people, workbench
from jaxfake.runtime.files import write_atomically
from jaxfake.runtime.terminal_text import printable_line

_ORDERS = ("=", "+", "-", "@", "\t", "'")
"""What begins a formula for a spreadsheet (OWASP, 'CSV Injection'), and the apostrophe that prevents it."""


def write_frames(path: Path, index: Index, frames: FrameScores) -> None:
    """Writes `frames.csv`, sorted; `face` counts the faces of one frame in stored order."""
    at = chosen_rows(index, frames.rows)
    order = np.lexsort((frames.rows, at.frame, at.video_id, at.method, at.dataset))
    rows: list[tuple[Any, ...]] = []
    last, face = None, 0
    for n in order:
        names = (at.dataset[n], at.method[n], at.video_id[n])
        place = (*map(_text, names), int(at.frame[n]))
        face = face + 1 if place == last else 0
        last = place
        rows.append((*place, face, _label(at.label[n]), _number(frames.score[n])))
    write_atomically(path, _csv(schema.FRAME_COLUMNS, rows))


def write_scores(path: Path, videos: VideoScores) -> None:
    """Writes `scores.csv`; the score of a video without one is empty."""
    rows = zip(
        map(_text, videos.dataset),
        map(_text, videos.method),
        map(_text, videos.video_id),
        map(_label, videos.label),
        map(_number, videos.score),
        videos.frames,
        videos.faces,
        map(_text, videos.status),
        strict=True,
    )
    write_atomically(path, _csv(schema.SCORE_COLUMNS, rows))


def write_workbench(
    path: Path, dataset: np.ndarray, method: np.ndarray, video_id: np.ndarray, score: np.ndarray
) -> None:
    """Writes what deepfake-workbench imports, see `stored_scores.workbench`.

    Args:
        path: of the file.
        dataset, method, video_id: str [v].
        score: float [v], P(fake); NaN for a video without one, which is left out.
    """
    names = workbench.unique_names(dataset, method, video_id)
    rows = [
        (_text(name), _number(one))
        for name, one in zip(names, score, strict=True)
        if np.isfinite(one)
    ]
    write_atomically(path, _csv(workbench.COLUMNS, rows))


def write_people(path: Path, videos: VideoScores) -> None:
    """Writes `people.csv`: who is shown in each video, by which stored scores can be compared."""
    names = (videos.dataset, videos.method, videos.video_id, videos.identity)
    write_atomically(
        path, _csv(people.COLUMNS, zip(*(map(_text, one) for one in names), strict=True))
    )


def _csv(columns: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _text(text: str) -> str:
    """A name on one line that a spreadsheet takes for text: what follows an apostrophe is never computed.

    Taking away one apostrophe from the start gives the name back, since those that have one get another.
    """
    line = printable_line(str(text))
    return f"'{line}" if line.startswith(_ORDERS) else line


def _label(label: int) -> str:
    return "" if label == schema.UNKNOWN else str(label)


def _number(score: float) -> str:
    return "" if np.isnan(score) else f"{score:.9g}"  # all digits of a float32
