"""Detection in an archive: results as JSON lines in shards of 1,000 files, without pictures or a page.

    results-00000-of-00003.jsonl ... results-summary.json

A line is what `results.json` has under `files`; the lines are in the order of the files. No more than one
shard is in memory at a time. The summary comes last: where it is, all shards are there.
"""

import collections
import dataclasses
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from jaxfake.evaluation.result_files import write_json
from jaxfake.inference.detector import Detector
from jaxfake.inference.job import DetectionJob, Scorer, scored_files
from jaxfake.inference.jobs.kept import KeptResults
from jaxfake.inference.results import (
    MOST_BYTES,
    SCHEMA,
    SCHEMA_VERSION,
    FileResult,
    ModelFacts,
    Runtime,
)
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import open_regular, read_json, write_atomically
from jaxfake.runtime.typed_values import build

SUMMARY = "results-summary.json"
FILES_OF_A_SHARD = 1000

_MOST_LINE_BYTES = 1 << 26


@dataclasses.dataclass(frozen=True)
class Summary:
    """What is said of an archive as a whole.

    Attributes:
        counts: of files by their status; `files` is all of them.
        answers: of files by the answer of their verdict.
        shards: names of the files with the results, in order.
    """

    model: ModelFacts
    runtime: Runtime
    counts: dict[str, int]
    answers: dict[str, int]
    shards: tuple[str, ...]


def run_archive(scorer: Scorer, job: DetectionJob, detector: Detector) -> Summary:
    """Scores all files and writes the shards.

    Args:
        job: draws no pictures.

    Raises:
        InputError: a file does not exist, or the folder of results cannot be used.
        Preempted: a signal asked to stop; what was finished is kept.
    """
    with scored_files(scorer, job, detector, _earlier) as scored:
        made = scored.kept.folder / "shards"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        count = -(-len(scored.files) // FILES_OF_A_SHARD)
        counts: collections.Counter[str] = collections.Counter()
        answers: collections.Counter[str] = collections.Counter()
        for number, results in enumerate(itertools.batched(scored.results(), FILES_OF_A_SHARD)):
            write_atomically(made / _name(number, count), "".join(map(_line, results)))
            counts.update(one.status for one in results)
            answers.update(one.verdict.answer for one in results)
        summary = Summary(
            detector.model.facts,
            scored.runtime,
            {"files": len(scored.files), **_in_order(counts, ("scored", "no_face", "refused"))},
            _in_order(answers, ("fake", "real", "cannot_tell")),
            tuple(_name(number, count) for number in range(count)),
        )
        _put_in_place(made, job.out, summary)
    return summary


def read_summary(out: Path) -> Summary:
    """The summary of an archive, every value checked.

    Raises:
        FileNotFoundError: there is none.
        InputError: it is damaged, or of another version.
    """
    path = out / SUMMARY
    content = read_json(path, MOST_BYTES)
    if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
        raise InputError(f"{path} is not a summary of version {SCHEMA_VERSION}")
    kept = {field.name: content.get(field.name) for field in dataclasses.fields(Summary)}
    try:
        found: Summary = build(Summary, kept, "summary")
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    return found


def read_shards(out: Path, summary: Summary) -> Iterator[FileResult]:
    """The results of an archive, one after the other.

    Raises:
        FileNotFoundError: a shard is missing.
        InputError: it is damaged.
    """
    for number in range(len(summary.shards)):
        path = out / _name(number, len(summary.shards))
        with open_regular(path) as shard:
            while line := shard.readline(_MOST_LINE_BYTES):
                try:
                    yield build(FileResult, json.loads(line), "result")
                except (ValueError, RecursionError) as error:
                    raise InputError(f"{path} is damaged: {error}") from error


def _earlier(kept: KeptResults) -> Iterator[FileResult]:
    """The results of a finished archive with the same settings, as far as they are whole."""
    try:
        summary = read_summary(kept.out)
        if summary.runtime.settings_sha256 == kept.settings:
            yield from read_shards(kept.out, summary)
    except (FileNotFoundError, InputError):
        return


def _line(result: FileResult) -> str:
    """One line of ASCII, whatever names of files hold."""
    return json.dumps(dataclasses.asdict(result), allow_nan=False) + "\n"


def _name(number: int, count: int) -> str:
    return f"results-{number:05}-of-{count:05}.jsonl"


def _in_order(counted: collections.Counter[str], names: tuple[str, ...]) -> dict[str, int]:
    return {name: counted[name] for name in names}


def _put_in_place(made: Path, out: Path, summary: Summary) -> None:
    """Replaces an earlier archive: its summary goes first, so that none ever stands beside other shards."""
    (out / SUMMARY).unlink(missing_ok=True)
    for old in out.glob("results-*-of-*.jsonl"):
        old.unlink()
    for name in summary.shards:
        os.replace(made / name, out / name)
    values = {"schema": f"{SCHEMA}.summary", "schema_version": SCHEMA_VERSION}
    write_json(out / SUMMARY, {**values, **dataclasses.asdict(summary)})
