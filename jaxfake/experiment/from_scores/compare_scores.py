"""Compares methods by the files of their scores: `comparison.json` and a report."""

import dataclasses
import glob
from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxfake.evaluation.evidence.cross_dataset import with_no_face
from jaxfake.evaluation.evidence.method_comparison import compare_methods, comparison_json
from jaxfake.evaluation.evidence.protocols.protocol import Protocol
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.result_files import write_json
from jaxfake.evaluation.stored_scores.columns import ScoreColumns
from jaxfake.evaluation.stored_scores.table import ScoreTable, by_dataset, read_scores
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.reporting.html import Report, write_report
from jaxfake.reporting.scores.comparison_section import (
    comparison_section,
    method_highlights,
    method_sentence,
    pair_sentence,
)
from jaxfake.reporting.scores.protocol_facts import protocol_facts
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import expand_home


@dataclasses.dataclass(frozen=True)
class ComparisonRequest:
    """What is compared.

    Attributes:
        files: of scores for each method, one for each seed.
        out: folder for the results.
        columns: what is said of the files of another tool.
        protocol: whose rule for videos without a face is applied.
        bootstrap: how people are resampled.
    """

    files: Mapping[str, Sequence[Path]]
    out: Path
    columns: ScoreColumns
    protocol: Protocol | None
    bootstrap: Bootstrap


def parse_methods(texts: Sequence[str]) -> dict[str, list[Path]]:
    """The files of each method, from texts such as 'mover=runs/mover_*/eval/toyfaces/test/scores.csv'.

    Raises:
        InputError: a text is something else, no file is there, or there are fewer than two methods.
    """
    files: dict[str, list[Path]] = {}
    for text in texts:
        name, equals, pattern = text.partition("=")
        found = sorted(map(Path, glob.glob(expand_home(pattern)))) if equals and name else []
        if not found:
            raise InputError(
                f"--method={text}: give a name and its files of scores, such as "
                "--method='mover=runs/mover_*/eval/toyfaces/test/scores.csv'; no such file is there"
            )
        files.setdefault(name, []).extend(found)
    for name, some in files.items():
        if len(set(some)) < len(some):
            raise InputError(
                f"--method={name}: a file is named twice, and would count as two seeds"
            )
    if len(files) < 2:
        raise InputError("--method is needed for at least two methods, such as --method=NAME=FILE")
    return files


def compare_scores(request: ComparisonRequest) -> tuple[str, ...]:
    """Writes the results; they are returned in words.

    Raises:
        InputError: a file cannot be read as scores, or the files are not of the same videos.
    """
    methods = {
        name: [_read(path, request) for path in paths] for name, paths in request.files.items()
    }
    _refuse_copies(methods)
    found, pairs = compare_methods(methods, request.bootstrap)
    if not found:
        raise InputError(
            "the files have no dataset in common: they compare only on the same videos"
        )
    try:
        request.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{request.out}: {error.strerror}; name another --out") from error
    write_json(
        request.out / "comparison.json", _origin(request, methods) | comparison_json(found, pairs)
    )
    words = [
        *(
            method_sentence(dataset, name, method)
            for dataset, one in found.items()
            for name, method in one.methods.items()
        ),
        *map(pair_sentence, pairs),
    ]
    sections = [
        comparison_section(name, one, [pair for pair in pairs if pair.dataset == name])
        for name, one in found.items()
    ]
    report = Report(
        title=f"Comparison of {', '.join(methods)}",
        summary=tuple(words),
        highlights=tuple(
            item for name, one in found.items() for item in method_highlights(name, one)
        ),
        facts=protocol_facts(request.protocol),
        sections=tuple(sections),
    )
    write_report(RunFolder(request.out).report, report)
    return tuple(words)


def _read(path: Path, request: ComparisonRequest) -> dict[str, ScoreTable]:
    parts = by_dataset([read_scores(path, request.columns)])
    if request.protocol is None:
        return parts
    for name in parts:
        request.protocol.list_of(name)
    return {name: with_no_face(one, request.protocol.no_face) for name, one in parts.items()}


def _refuse_copies(methods: Mapping[str, Sequence[Mapping[str, ScoreTable]]]) -> None:
    """Two files of one content would count as two trainings that agree perfectly."""
    seen: dict[str, str] = {}
    for table in (t for seeds in methods.values() for seed in seeds for t in seed.values()):
        if seen.setdefault(table.sha256, table.name) != table.name:
            raise InputError(f"{seen[table.sha256]} and {table.name} are copies of one file")


def _origin(
    request: ComparisonRequest, methods: Mapping[str, Sequence[Mapping[str, ScoreTable]]]
) -> dict[str, object]:
    return {
        "files": {
            name: [
                {"name": str(path), "sha256": next(iter(seed.values())).sha256}
                for path, seed in zip(request.files[name], seeds, strict=True)
            ]
            for name, seeds in methods.items()
        },
        "resamples": request.bootstrap.resamples,
        "seed": request.bootstrap.seed,
        "protocol": request.protocol and request.protocol.in_words,
    }
