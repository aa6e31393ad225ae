"""What the report and the terminal say of the evidence beside a detector's metrics."""

from jaxfake.evaluation.evidence.calibration.measured import CalibratedResult
from jaxfake.evaluation.evidence.detector_evidence import DetectorEvidence
from jaxfake.reporting.html import Section
from jaxfake.reporting.scores.calibration_section import calibration_section, calibration_sentence
from jaxfake.reporting.scores.protocol_facts import protocol_sentence
from jaxfake.reporting.scores.robustness_section import robustness_section, robustness_sentence


def evidence_sentences(evidence: DetectorEvidence) -> list[str]:
    """The protocol, the strength of evidence and the robustness in a line each, where there are any."""
    said = []
    if evidence.protocol is not None:
        said.append(protocol_sentence(evidence.protocol, evidence.departures))
    if isinstance(evidence.calibrated, CalibratedResult):
        said.append(calibration_sentence(evidence.calibrated))
    if evidence.robustness is not None:
        said.append(robustness_sentence(evidence.robustness))
    return said


def evidence_sections(evidence: DetectorEvidence) -> list[Section]:
    """A section each for the strength of evidence and the robustness, where there are any."""
    sections = []
    if isinstance(evidence.calibrated, CalibratedResult):
        sections.append(calibration_section(evidence.calibrated))
    if evidence.robustness is not None:
        sections.append(robustness_section(evidence.robustness))
    return sections
