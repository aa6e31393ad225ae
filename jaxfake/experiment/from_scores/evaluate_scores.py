"""Results from files of scores alone, of jaxfake or of another tool: metrics, tables and a report."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxfake import schema
from jaxfake.evaluation import score_files
from jaxfake.evaluation.evidence.calibration.calibration import Kind, write
from jaxfake.evaluation.evidence.calibration.measured import (
    CalibratedResult,
    calibrated_json,
    measure_calibrated,
)
from jaxfake.evaluation.evidence.cross_dataset import (
    StoredResult,
    cross_aucs,
    cross_json,
    measure_stored,
    stored_json,
    with_no_face,
)
from jaxfake.evaluation.evidence.protocols.departures import EvaluatedVideos, departures
from jaxfake.evaluation.evidence.protocols.protocol import Protocol, protocol_json
from jaxfake.evaluation.metrics import auc_interval
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.metrics.operating_points import EER_DEFINITION
from jaxfake.evaluation.result_files import write_json
from jaxfake.evaluation.stored_scores import workbench
from jaxfake.evaluation.stored_scores.calibrate import fit_stored, refuse_shared
from jaxfake.evaluation.stored_scores.columns import ScoreColumns
from jaxfake.evaluation.stored_scores.table import ScoreTable, by_dataset, read_scores
from jaxfake.experiment.run_folder import RunFolder, safe_name
from jaxfake.reporting.html import Report, Section, write_report
from jaxfake.reporting.scores.calibration_section import calibration_section, calibration_sentence
from jaxfake.reporting.scores.protocol_facts import protocol_facts, protocol_sentence
from jaxfake.reporting.scores.stored_section import cross_section, stored_section
from jaxfake.reporting.wording import auc_sentence
from jaxfake.runtime.errors import InputError


@dataclasses.dataclass(frozen=True)
class ScoresRequest:
    """What a person wants to know of stored scores.

    Attributes:
        files: of scores; those of one detector, on one or more datasets.
        out: folder for the results.
        columns: what is said of the files of another tool.
        protocol: by which the scores are measured.
        bootstrap: how people are resampled.
        validation: scores of other videos by the same detector, on which it is calibrated.
        calibration: how.
    """

    files: tuple[Path, ...]
    out: Path
    columns: ScoreColumns
    protocol: Protocol | None
    bootstrap: Bootstrap
    validation: Path | None = None
    calibration: Kind = "platt"


def evaluate_scores(request: ScoresRequest) -> tuple[str, ...]:
    """Writes `metrics.json`, `report.html` and a `workbench.csv` for each dataset; the results in words.

    Raises:
        InputError: a file cannot be read as scores, or does not fit the protocol.
    """
    tables = [read_scores(file, request.columns) for file in request.files]
    parts = by_dataset(tables)
    if request.protocol is not None:
        parts = {n: with_no_face(one, request.protocol.no_face) for n, one in parts.items()}
    departed = _departures(request.protocol, parts)
    results = {name: measure_stored(one, request.bootstrap) for name, one in parts.items()}
    calibrated = _calibrated(request, parts)
    _make(request.out)
    _export(request.out, parts)
    sentences = [auc_sentence(name, one.overall.auc) for name, one in results.items()]
    if request.protocol is not None:
        sentences.append(protocol_sentence(request.protocol, departed))
    crossed = cross_aucs(parts) if len(parts) > 1 else {}
    write_json(
        request.out / "metrics.json",
        {
            **_origin(request, tables),
            "protocol": request.protocol and protocol_json(request.protocol, departed),
            "datasets": {
                name: stored_json(one) | _calibration_fields(calibrated.get(name))
                for name, one in results.items()
            },
            "cross_auc": cross_json(crossed),
        },
    )
    sentences += [f"{name}: {calibration_sentence(one)}" for name, one in calibrated.items()]
    sections = _sections(parts, results, calibrated, request)
    if crossed:
        sections.append(cross_section(crossed))
    write_report(
        RunFolder(request.out).report,
        Report(
            title=f"Scores of {', '.join(file.name for file in request.files)}",
            summary=tuple(sentences),
            highlights=(),
            facts=(*_facts(tables), *protocol_facts(request.protocol)),
            sections=tuple(sections),
        ),
    )
    return tuple(sentences)


def _sections(
    parts: Mapping[str, ScoreTable],
    results: Mapping[str, StoredResult],
    calibrated: Mapping[str, CalibratedResult],
    request: ScoresRequest,
) -> list[Section]:
    sections = []
    for name, table in parts.items():
        resamples = request.bootstrap.resamples
        sections.append(stored_section(name, table, results[name], resamples))
        if name in calibrated:
            sections.append(calibration_section(calibrated[name], name))
    return sections


def _calibrated(
    request: ScoresRequest, parts: Mapping[str, ScoreTable]
) -> dict[str, CalibratedResult]:
    """What a calibration on the validation scores is worth on each dataset; it is stored in `out`."""
    if request.validation is None:
        return {}
    validation = read_scores(request.validation, request.columns)
    for table in parts.values():
        refuse_shared(validation, table)
    calibration = fit_stored(request.calibration, validation)
    _make(request.out)
    write(request.out / "calibration.json", calibration)
    used = {name: table.rows(table.scored) for name, table in parts.items()}
    return {
        name: measure_calibrated(calibration, table.label, table.score)
        for name, table in used.items()
    }


def _calibration_fields(result: CalibratedResult | None) -> dict[str, Any]:
    return {"calibration": None if result is None else calibrated_json(result)}


def _departures(protocol: Protocol | None, parts: Mapping[str, ScoreTable]) -> list[str]:
    """In what the files depart from the protocol; nothing without one."""
    if protocol is None:
        return []
    said = []
    for name, table in parts.items():
        fakes = table.label == schema.FAKE
        videos = EvaluatedVideos(
            dataset=name,
            real=int((table.label == schema.REAL).sum()),
            fake=int(fakes.sum()),
            manipulations=sorted(set(table.method[fakes])),
        )
        said += departures(protocol, videos)
        if (table.frames > protocol.frames).any():
            said.append(f"Videos of {name} have more than {protocol.frames} frames.")
    return list(dict.fromkeys(said))


def _export(out: Path, parts: Mapping[str, ScoreTable]) -> None:
    for name, table in parts.items():
        if table.probability:
            folder = out / safe_name(name)
            _make(folder)
            names = (table.dataset, table.method, table.video_id)
            score_files.write_workbench(folder / workbench.FILE_NAME, *names, table.score)


def _origin(request: ScoresRequest, tables: list[ScoreTable]) -> dict[str, Any]:
    return {
        "files": [{"name": one.name, "sha256": one.sha256} for one in tables],
        "polarity": request.columns.polarity or "fake_high, by the header of jaxfake",
        "eer_definition": EER_DEFINITION,
        "interval": auc_interval.METHOD,
        "resamples": request.bootstrap.resamples,
        "seed": request.bootstrap.seed,
    }


def _facts(tables: list[ScoreTable]) -> list[tuple[str, str]]:
    return [(f"sha256 of {Path(one.name).name}", one.sha256) for one in tables]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; name another folder with --out") from error
