"""What is said of each file that a person asks about, as typed values and as `results.json`.

`results.schema.json` beside this file describes the same for other programs. A change that could break one
of them raises the first number of `SCHEMA_VERSION`, an addition the second.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.result_files import write_json
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json
from jaxfake.runtime.typed_values import build

SCHEMA, SCHEMA_VERSION = "jaxfake.results", "1.0"
SCHEMA_FILE = Path(__file__).with_name("results.schema.json")

MOST_BYTES = 1 << 30
"""Of a file of results; one file that was scored takes about 100 bytes a face."""

Answer = Literal["fake", "real", "cannot_tell"]
Status = Literal["scored", "no_face", "refused"]
FileKind = Literal["photograph", "video", "frames", "unknown"]
Measure = Literal["recovery_error", "heat"]


class Box(NamedTuple):
    """A face in pixels of the upright frame; the centre of the first pixel is at 0."""

    left: float
    top: float
    right: float
    bottom: float


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why something cannot be told, or is less certain: a code for programs, a sentence for people."""

    code: str
    sentence: str


@dataclasses.dataclass(frozen=True)
class Evidence:
    """How strong a score is as evidence.

    Every value is None without a calibration, and where the input is unlike those of validation.

    Attributes:
        log10_lr: log10 of P(such a score | fake) / P(such a score | real).
        log10_lr_ci95: 95 % interval of it, see `calibration.ratio_interval`; None if it is not known.
        at_limit: whether the ratio is as extreme as the people of validation can show.
        probability: P(fake) where a fake was as probable as a real beforehand.
        probability_ci95: the same interval as a probability.
    """

    log10_lr: float | None = None
    log10_lr_ci95: Interval | None = None
    at_limit: bool | None = None
    probability: float | None = None
    probability_ci95: Interval | None = None


NO_EVIDENCE = Evidence()


@dataclasses.dataclass(frozen=True)
class FrameResult:
    """One face in one frame.

    Attributes:
        frame: index in the video, from 0; 0 for a photograph.
        time: seconds from the beginning, by the mean rate of the frames; None if that is not known.
        box: around the 68 landmarks.
        score: P(fake) by the detector, which is not calibrated.
        thumbnail, strip, heat: pictures, by their paths in the folder of results; None if not drawn.
    """

    frame: int
    time: float | None
    box: Box
    score: float
    thumbnail: str | None = None
    strip: str | None = None
    heat: str | None = None


@dataclasses.dataclass(frozen=True)
class PartErrors:
    """How badly each part of a face recovers, or how suspicious it is; mean over the frames of a track.

    Attributes:
        measure: 'recovery_error' is the squared error of hidden pixels in the scale -1..1; 'heat' the
            detector's own map, where it recovers nothing.
        parts: value by the name of the part.
        worst: the part with the largest value.
    """

    measure: Measure
    parts: dict[str, float]
    worst: str


@dataclasses.dataclass(frozen=True)
class TrackResult:
    """One face, followed through a file.

    Attributes:
        track: its number; 0 has the largest faces.
        judged: whether it is large enough for the verdict to depend on it.
        score: of its frames together.
        answer: of this face alone.
        reasons: for an answer that is none.
        parts: None if the detector gives no picture.
        columns: what the pictures of a strip are, from left to right.
    """

    track: int
    judged: bool
    score: float
    evidence: Evidence
    answer: Answer
    reasons: tuple[Reason, ...]
    parts: PartErrors | None
    columns: tuple[str, ...]
    frames: tuple[FrameResult, ...]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is said of a file.

    Attributes:
        words: in plain English.
        track: the face that it rests on; None if there is none.
        evidence: of that face.
        reasons: for an answer that is none.
    """

    answer: Answer
    words: str
    track: int | None = None
    evidence: Evidence = NO_EVIDENCE
    reasons: tuple[Reason, ...] = ()


@dataclasses.dataclass(frozen=True)
class FileFacts:
    """A file that was asked about; None or '' where something is not known.

    Attributes:
        name: of the file, or of the folder of its frames.
        path: as it was named, or below the folder that was named.
        sha256: of its bytes; of frames in a folder, of the digests of all of them.
        format: such as JPEG; of a video, its container and codec.
        frames: in the file, not only those that were scored.
        remark: what of the file was left out, such as damaged frames.
    """

    name: str
    path: str
    kind: FileKind
    sha256: str | None = None
    bytes: int | None = None
    format: str = ""
    pixels: int | None = None
    frames: int | None = None
    frames_per_second: float | None = None
    remark: str = ""


@dataclasses.dataclass(frozen=True)
class FileResult:
    """Everything that is said of one file.

    Attributes:
        refusal: why it could not be read; '' if it could.
        credentials: content credentials (C2PA) in the file, as found; None if there are none, or if they
            were not looked for, see `credentials.read`.
        annotated: the video with its faces marked, by its path in the folder of results; None if it was
            not asked for.
    """

    file: FileFacts
    status: Status
    refusal: str
    tracks: tuple[TrackResult, ...]
    verdict: Verdict
    credentials: dict[str, Any] | None = None
    annotated: str | None = None


@dataclasses.dataclass(frozen=True)
class CardEntry:
    """One row of a model card."""

    name: str
    text: str


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """The detector that scored.

    Attributes:
        name: for people.
        method: of the detector.
        weights_sha256: of its parameters, as a model folder has them.
        calibration_sha256: None if it is not calibrated.
        licence: '' if nothing says it.
    """

    name: str
    method: str
    step: int
    config_sha256: str
    weights_sha256: str
    train_sha256: str
    calibration_sha256: str | None
    licence: str
    card: tuple[CardEntry, ...]


@dataclasses.dataclass(frozen=True)
class Runtime:
    """How the files were scored.

    Attributes:
        degraded: what is missing for a full answer; nothing if all is there.
        versions: of everything that decides about the scores.
        options: of the command that decide about the results.
        settings_sha256: of model, versions and options: equal if the same files give the same results.
    """

    calibrated: bool
    degraded: tuple[Reason, ...]
    versions: dict[str, str]
    options: dict[str, Any]
    settings_sha256: str


@dataclasses.dataclass(frozen=True)
class Results:
    """The content of `results.json`."""

    model: ModelFacts
    runtime: Runtime
    files: tuple[FileResult, ...]

    def count(self, status: Status) -> int:
        """How many files have this status."""
        return sum(one.status == status for one in self.files)


def to_json(results: Results) -> dict[str, Any]:
    """As `results.json` has it."""
    counts = {name: results.count(name) for name in ("scored", "no_face", "refused")}
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "counts": {"files": len(results.files), **counts},
        **dataclasses.asdict(results),
    }


def write(path: Path, results: Results) -> None:
    """Writes `results.json`."""
    write_json(path, to_json(results))


def read(path: Path) -> Results:
    """The results in a file, every value checked.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is damaged, or of another version.
    """
    content = read_json(path, MOST_BYTES)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InputError(f"{path} does not hold results of python -m jaxfake.detect")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{path} has results of version {content.get('schema_version')!r}, not {SCHEMA_VERSION}"
        )
    kept = {key: content[key] for key in ("model", "runtime", "files") if key in content}
    try:
        found: Results = build(Results, kept, "results")
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    return found


def file_json(result: FileResult) -> str:
    """One file's part of `results.json`, on one line with its keys in order: what a record hashes."""
    values = dataclasses.asdict(result)
    return json.dumps(values, sort_keys=True, allow_nan=False, ensure_ascii=False)
