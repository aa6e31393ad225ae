"""`people.csv`, beside `scores.csv`: who is in each video; videos of one person are not independent."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_bounded

FILE_NAME = "people.csv"
COLUMNS = ("dataset", "method", "video_id", "identity")

_MOST_BYTES = 1 << 29


def read(path: Path, keys: Sequence[tuple[str, str, str]]) -> list[str]:
    """Who is shown in the videos of these keys; '' where it is not known, as without such a file.

    Raises:
        InputError: the file is damaged.
    """
    try:
        text = read_bounded(path, _MOST_BYTES).decode("utf-8")
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        if tuple(next(rows, ())) != COLUMNS:
            raise InputError(f"{path} is damaged: its columns are not {', '.join(COLUMNS)}")
        identities = {
            (dataset, method, video): who
            for dataset, method, video, who in (map(_plain, row) for row in rows)
        }
    except FileNotFoundError:
        return [""] * len(keys)
    except (csv.Error, ValueError) as error:
        raise InputError(f"{path} is damaged: {error}") from error
    return [identities.get(key, "") for key in keys]


def _plain(text: str) -> str:
    """A name without the apostrophe that keeps it from being a formula, see `score_files`."""
    return text.removeprefix("'")
