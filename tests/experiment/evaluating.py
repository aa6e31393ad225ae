"""A trained run evaluated as the verb does it."""

from pathlib import Path

from jaxfake.config import Aggregation
from jaxfake.evaluation.evidence.protocols.protocol import Protocol
from jaxfake.experiment.evaluate_dataset import (
    Evaluated,
    EvaluationRequest,
    evaluate_dataset,
    results_root,
)
from jaxfake.experiment.load_run import LoadedRun


def evaluated(
    run: LoadedRun,
    data: str | Path,
    out: Path | None = None,
    aggregation: Aggregation | None = None,
    split: str = "test",
    step: int | None = None,
    protocol: Protocol | None = None,
    perturb: tuple[str, ...] = (),
) -> Evaluated:
    """Results on one split; by default in the folder of the run."""
    root = results_root(run, out)
    request = EvaluationRequest(split, root, step, aggregation, protocol, perturb)
    return evaluate_dataset(run, str(data), request)
