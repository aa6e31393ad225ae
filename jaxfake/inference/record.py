"""A record of a detection that can be checked: digests of inputs, detector, settings and results, chained.

Each link holds the digest of one thing and of the link before, so the last link stands for all of them. A
chain without a key shows whether anything was changed since. It does not prove who made it, since whoever
changes everything can compute a new chain: keep the last link somewhere else, or sign it, see `signature`.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from jaxfake.data.layouts.listing import content_digest
from jaxfake.data.preparation import source_content
from jaxfake.inference import results
from jaxfake.inference.asked_files import list_files
from jaxfake.inference.results import FileResult, Results
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json, sha256, write_atomically
from jaxfake.runtime.typed_values import build

FORMAT, VERSION, FILE = "jaxfake.record", 1, "record.json"
SETTINGS, INPUT, RESULT, OUTPUT = "settings", "input", "result", "output"

_MOST_BYTES = 1 << 29
_FIRST = "0" * 64


@dataclasses.dataclass(frozen=True)
class Link:
    """One link of the chain.

    Attributes:
        kind: 'settings' for detector, versions and options; 'input' for a file that was asked about;
            'result' for what is said of it; 'output' for a file of the folder of results.
        name: path of the file; '' of the settings.
        sha256: of the content; '' of an input that could not be read.
        chained: sha256 over the link before, and kind, name and content of this one.
    """

    kind: str
    name: str
    sha256: str
    chained: str


@dataclasses.dataclass(frozen=True)
class Record:
    """The content of `record.json`."""

    format: str
    version: int
    links: tuple[Link, ...]

    @property
    def last(self) -> str:
        """What stands for all of it."""
        return self.links[-1].chained


@dataclasses.dataclass(frozen=True)
class Verified:
    """What has come of checking a record.

    Attributes:
        last: its last link.
        changed: what is not as it was, a sentence each; nothing if all is.
        unchecked: what could not be checked, a sentence each.
    """

    last: str
    changed: tuple[str, ...]
    unchecked: tuple[str, ...]


def write_record(out: Path, found: Results, written: tuple[Path, ...]) -> Record:
    """Writes the record of a finished job.

    Args:
        out: folder of results.
        found: in it.
        written: files of the folder beside the pictures.
    """
    links: list[Link] = []
    previous = _FIRST
    for kind, name, digest in _entries(out, found, written):
        previous = _chained(previous, kind, name, digest)
        links.append(Link(kind, name, digest, previous))
    record = Record(FORMAT, VERSION, tuple(links))
    write_atomically(out / FILE, json.dumps(dataclasses.asdict(record), indent=1) + "\n")
    return record


def read_record(out: Path) -> Record:
    """The record in a folder of results.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = out / FILE
    try:
        content = read_json(path, _MOST_BYTES)
    except FileNotFoundError:
        raise InputError(f"{out} holds no {FILE}: give --record to the detection") from None
    try:
        record: Record = build(Record, content, "record")
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    if (record.format, record.version) != (FORMAT, VERSION) or not record.links:
        raise InputError(f"{path} is not a record of version {VERSION}")
    return record


def verify(out: Path) -> Verified:
    """Checks a record against what is there now. Inputs are looked for where they were.

    Raises:
        InputError: there is no record, or it is damaged.
    """
    record = read_record(out)
    changed, unchecked = [*_broken(record)], []
    now = _results_now(out)
    said = {} if now is None else {one.file.path: one for one in now.files}
    for link in record.links:
        found = _digest_now(out, link, now, said)
        if found is None:
            unchecked.append(f"{link.name}: it is not there, or not by itself")
        elif link.kind == INPUT and not link.sha256:
            unchecked.append(f"{link.name}: it was not read then")
        elif found != link.sha256:
            changed.append(_sentence(link, found))
    return Verified(record.last, tuple(changed), tuple(unchecked))


def _entries(
    out: Path, found: Results, written: tuple[Path, ...]
) -> Iterator[tuple[str, str, str]]:
    """Kind, name and digest of everything, in the order of the chain."""
    yield SETTINGS, "", _settings_digest(found)
    for one in found.files:
        yield INPUT, one.file.path, one.file.sha256 or ""
        yield RESULT, one.file.path, _text_digest(results.file_json(one))
    pictures = {
        path
        for one in found.files
        for track in one.tracks
        for frame in track.frames
        for path in (frame.thumbnail, frame.strip, frame.heat)
        if path
    } | {one.annotated for one in found.files if one.annotated}
    others = [path.relative_to(out).as_posix() for path in written]
    for name in [*sorted(pictures), *others]:
        yield OUTPUT, name, sha256(out / name)


def _chained(previous: str, kind: str, name: str, digest: str) -> str:
    return _text_digest(json.dumps([previous, kind, name, digest]))


def _text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _settings_digest(found: Results) -> str:
    said = [dataclasses.asdict(found.model), dataclasses.asdict(found.runtime)]
    return _text_digest(json.dumps(said, sort_keys=True))


def _broken(record: Record) -> Iterator[str]:
    """Says whether the chain itself is whole."""
    previous = _FIRST
    for number, link in enumerate(record.links):
        previous = _chained(previous, link.kind, link.name, link.sha256)
        if previous != link.chained:
            yield f"the record itself was changed at its link {number + 1}"
            return


def _results_now(out: Path) -> Results | None:
    try:
        return results.read(out / "results.json")
    except (FileNotFoundError, InputError):
        return None


def _digest_now(
    out: Path, link: Link, now: Results | None, said: dict[str, FileResult]
) -> str | None:
    """The digest of a thing as it is now; '' if it is gone or damaged; None if it cannot be checked."""
    match link.kind:
        case "settings":
            return "" if now is None else _settings_digest(now)
        case "result":
            one = said.get(link.name)
            return "" if one is None else _text_digest(results.file_json(one))
        case "input":
            return _input_digest(link.name, said.get(link.name))
        case _:
            return _output_digest(out, link.name)


def _output_digest(out: Path, name: str) -> str:
    """Of a file in the folder of results: '' if it is gone, or outside of it."""
    path = out / name
    if not path.resolve().is_relative_to(out.resolve()):
        return ""
    try:
        return sha256(path)
    except (FileNotFoundError, InputError):
        return ""


def _input_digest(name: str, said: FileResult | None) -> str | None:
    """Of a file, or of the frames of a clip where their folder alone says which they are."""
    path = Path(name)
    is_clip = said is not None and said.file.kind == "frames"
    try:
        if not is_clip:
            return content_digest(path) if path.is_file() else None
        asked = list_files((path,)) if path.is_dir() else []
        alone = len(asked) == 1 and asked[0].path == name and not asked[0].refusal
        return source_content.own_digest(source_content.digest(asked[0].source)) if alone else None
    except OSError:
        return None


def _sentence(link: Link, found: str) -> str:
    state = "was changed" if found else "is gone or damaged"
    match link.kind:
        case "settings":
            return "the detector, versions or options in results.json were changed"
        case "result":
            return f"what results.json says of {link.name} {state}"
        case _:
            return f"{link.name} {state}"
