"""A dataset by a table: a CSV file with a row for every file, and columns that say what it is.

    path,label,video,identity,split,manipulation,mask,original
    swap/7.mp4,fake,,ann,train,FaceSwap,masks/7.mp4,real/7.mp4
    real/7.mp4,real,,ann,train,,,

`path` and `label` are needed, the rest may be left out or empty. Paths are relative to the source. `label`
is real or 0, fake or 1, or unknown. Rows with one `video` are the frames of one clip. `mask` shows bright
what was manipulated, `original` is the real file that a fake was made from, frame by frame.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jaxfake import schema
from jaxfake.data.layouts.listing import Listing, SourceFile
from jaxfake.data.layouts.own_files import linked_identities, table_rows
from jaxfake.data.layouts.own_files.table_rows import Row
from jaxfake.data.layouts.untrusted_input import shown
from jaxfake.faces.clip import Clip, natural
from jaxfake.faces.media import is_image
from jaxfake.runtime.errors import InputError

BY_TABLE = "by the table"

_TOLD = "by the table; a row without identity is its video or file"
_NOT_TOLD = "every video or file, since the table has none"

_METHODS = {schema.REAL: schema.REAL_METHOD, schema.FAKE: "fake", schema.UNKNOWN: "unknown"}
"""The manipulation where the table gives none."""

_AGREE = ("label", "identity", "split", "manipulation")
"""What all frames of one video must have in common."""

_NAMED = 5


@dataclass(frozen=True)
class _Video:
    """The rows of one video in the order of its frames; a single one for a file."""

    rows: Sequence[Row]

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def name(self) -> str:
        return self.first.video or str(PurePosixPath(self.first.path).with_suffix(""))


def list_table(
    table: Path, root: Path, own_splits: bool = True, follow_links: bool = False
) -> Listing:
    """The files that a table names.

    Args:
        table: the CSV file.
        root: the folder that its paths are relative to.
        own_splits: whether its column `split` is taken.
        follow_links: whether links may lead out of the root.

    Raises:
        InputError: it is not such a table, or rows of it are not usable; the first of them are named.
    """
    if not root.is_dir():
        raise InputError(f"--source={root} is not a folder: name the one that holds your files")
    root = root.resolve()
    read = table_rows.read(table, root, follow_links)
    videos = _videos(read.rows)
    faults = [*read.faults, *_disagreements(root, videos), *_fake_originals(read.rows)]
    if own_splits:
        faults += _without_split(read.rows)
    if faults:
        raise InputError(_in_words(table, faults, read.count))
    if not read.rows:
        raise InputError(f"{table} has no rows: give it one for every file")
    files = _files(root, videos, own_splits)
    linked_identities.check_own_splits(
        files, f"mend {table}, or give --splits to split anew by identity"
    )
    split = BY_TABLE if own_splits and read.rows[0].split else ""
    unread = ", ".join(map(shown, read.unread))
    notes = [f"columns of the table that are not read: {unread}"] if unread else []
    told = any(row.identity for row in read.rows)
    return Listing(
        files, [], BY_TABLE, identity=_TOLD if told else _NOT_TOLD, split=split, notes=notes
    )


def _videos(rows: Sequence[Row]) -> list[_Video]:
    """The videos in the order of their first paths, whatever the order of the rows."""
    together: dict[str, list[Row]] = {}
    for row in rows:
        together.setdefault(f"video {row.video}" if row.video else f"file {row.path}", []).append(
            row
        )
    ordered = (sorted(found, key=lambda row: natural(row.path)) for found in together.values())
    return sorted(map(_Video, ordered), key=lambda video: video.first.path)


def _disagreements(root: Path, videos: Sequence[_Video]) -> list[tuple[int, str]]:
    """The lines that contradict another row of the same video, and why."""
    found = []
    for video in videos:
        if len(video.rows) == 1:
            continue
        first = min(video.rows, key=lambda row: row.line)
        for row in sorted(video.rows, key=lambda row: row.line):
            fault = _frame_fault(root, first, row)
            if fault:
                found.append((row.line, f"{fault} (video {row.video})"))
    return found


def _frame_fault(root: Path, first: Row, row: Row) -> str:
    if not is_image(root / row.path):
        return f"{row.path} is not a picture, and other rows are of its video too"
    for name in _AGREE:
        mine, theirs = getattr(row, name), getattr(first, name)
        if mine != theirs:
            return f"{name} is not as in line {first.line}"
    for name in ("mask", "original"):
        if bool(getattr(row, name)) != bool(getattr(first, name)):
            return f"{name} is given in line {row.line if getattr(row, name) else first.line} alone"
        if getattr(row, name) and not is_image(root / getattr(row, name)):
            return f"{name} should be a picture, as the frame is"
    return ""


def _fake_originals(rows: Sequence[Row]) -> Iterator[tuple[int, str]]:
    """The lines whose original is a fake by another row."""
    fakes = {row.path: row.line for row in rows if row.label != schema.REAL}
    for row in rows:
        if row.original in fakes:
            yield row.line, f"its original is not real by line {fakes[row.original]}"


def _without_split(rows: Sequence[Row]) -> list[tuple[int, str]]:
    """The lines without a split, if others have one."""
    if not any(row.split for row in rows):
        return []
    return [(row.line, "it has no split, and other rows have one") for row in rows if not row.split]


def _in_words(table: Path, faults: Sequence[tuple[int, str]], count: int) -> str:
    by_line: dict[int, str] = {}
    for line, why in sorted(faults):
        by_line.setdefault(line, why)
    named = "; ".join(f"line {line}: {why}" for line, why in list(by_line.items())[:_NAMED])
    more = f"; and {len(by_line) - _NAMED} more" if len(by_line) > _NAMED else ""
    return f"{table}: {len(by_line)} of {count} rows are not usable: {named}{more}"


def _files(root: Path, videos: Sequence[_Video], own_splits: bool) -> list[SourceFile]:
    identities = {row.path: _identity(video) for video in videos for row in video.rows}
    times = Counter(video.name for video in videos)
    return [
        SourceFile(
            path=(root / video.first.path).parent if _is_clip(video) else root / video.first.path,
            relative=video.first.path,
            label=video.first.label,
            method=video.first.manipulation or _METHODS[video.first.label],
            identity=_identity(video),
            video_id=video.name
            if times[video.name] == 1
            else video.first.video or video.first.path,
            split=video.first.split if own_splits else "",
            mask=_beside(root, video, "mask"),
            original=_beside(root, video, "original"),
            frames=tuple(root / row.path for row in video.rows) if _is_clip(video) else (),
            linked=_linked(video, identities),
        )
        for video in videos
    ]


def _is_clip(video: _Video) -> bool:
    return len(video.rows) > 1


def _identity(video: _Video) -> str:
    return video.first.identity or video.name


def _beside(root: Path, video: _Video, column: str) -> Clip | None:
    """The masks or originals of a video, frame by frame."""
    paths = [getattr(row, column) for row in video.rows]
    if not paths[0]:
        return None
    return tuple(root / path for path in paths) if _is_clip(video) else root / paths[0]


def _linked(video: _Video, identities: dict[str, str]) -> tuple[str, ...]:
    """Who is in the originals of a fake: an original that is in no row is told by its path."""
    originals = (row.original for row in video.rows if row.original)
    found = dict.fromkeys(identities.get(path, f"original {path}") for path in originals)
    return tuple(name for name in found if name != _identity(video))
