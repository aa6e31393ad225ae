"""All evidence about a detector on a split that stands beside its metrics."""

import dataclasses
from typing import Any

from jaxfake.evaluation.evidence.baselines.measured import Baselines, baselines_json
from jaxfake.evaluation.evidence.calibration.measured import CalibratedResult, calibrated_json
from jaxfake.evaluation.evidence.probes import Probe, probes_json
from jaxfake.evaluation.evidence.protocols.protocol import Protocol, protocol_json
from jaxfake.evaluation.evidence.robustness.measured import RobustnessResult, robustness_json
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.result_files import json_fields


@dataclasses.dataclass(frozen=True)
class DetectorEvidence:
    """How a result was made and how far it holds.

    Attributes:
        protocol: by which it was measured; None for the run's own rules.
        departures: from the protocol.
        calibrated: what the run's calibration is worth here; undefined with the reason if it has none.
        robustness: under perturbations; None if that was not asked for.
        baselines: on the same videos.
        probes: what single cues tell on the same videos.
    """

    protocol: Protocol | None
    departures: list[str]
    calibrated: CalibratedResult | Undefined
    robustness: RobustnessResult | None
    baselines: Baselines
    probes: tuple[Probe, ...] | Undefined


def evidence_json(evidence: DetectorEvidence) -> dict[str, Any]:
    """As metrics.json has it."""
    protocol, held = evidence.protocol, evidence.robustness
    fields: dict[str, Any] = {
        "protocol": None if protocol is None else protocol_json(protocol, evidence.departures),
        "robustness": None if held is None else robustness_json(held),
        "baselines": baselines_json(evidence.baselines),
        **probes_json(evidence.probes),
    }
    if isinstance(evidence.calibrated, Undefined):
        return fields | json_fields("calibration", evidence.calibrated)
    return fields | {"calibration": calibrated_json(evidence.calibrated)}
