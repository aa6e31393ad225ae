"""What a checkpoint is, in words: of which stage, how far it got, what it was trained on."""

import dataclasses

from jaxfake.checkpoints.metadata import CheckpointMetadata
from jaxfake.evaluation.result_files import manifest_facts


@dataclasses.dataclass(frozen=True)
class CheckpointDescription:
    """A state of a stage.

    Attributes:
        metadata: what the checkpoint says of itself.
        method: name of the detector; None for stage 1.
        step: of the state.
        steps: of the whole stage.
        newest: step of the newest checkpoint beside it, if that is known.
        validation_score: None if it was not validated.
    """

    metadata: CheckpointMetadata
    method: str | None
    step: int
    steps: int
    newest: int | None
    validation_score: float | None


def checkpoint_facts(state: CheckpointDescription) -> tuple[tuple[str, str], ...]:
    """Names and values, as a person reads them before the results and in the report."""
    identity, training = state.metadata.identity, state.metadata.training
    of_method = "" if state.method is None else f" ({state.method})"
    rows = [
        ("checkpoint", f"step {state.step} of {state.steps} of {identity.stage}{of_method}"),
        ("epoch", _epoch(state)),
    ]
    if training is not None:
        rows.append(("trained on", f"{training.devices}, JAX {training.jax}"))
    if state.validation_score is not None:
        rows.append(("validation score", f"{state.validation_score:.4f}"))
    if state.method is not None:
        rows.append(("started from", identity.start or ""))
    rows += [("config sha256", identity.config), ("training data sha256", identity.data or "")]
    return (*rows, *manifest_facts(identity.manifest or "", ""))


def in_words(state: CheckpointDescription) -> str:
    """The facts, one a line."""
    return "\n".join(f"{name}: {value}" for name, value in checkpoint_facts(state))


def unfinished_warning(state: CheckpointDescription) -> list[str]:
    """Says so if the stage was to be trained further, or may have been."""
    if max(state.step, state.newest or 0) >= state.steps:
        return []
    stage = state.metadata.identity.stage
    return [
        f"Step {state.step} of {state.steps} is not the end of the stage {stage!r}: a finished run may "
        "score otherwise."
    ]


def _epoch(state: CheckpointDescription) -> str:
    """How often the stage had drawn as many faces as it trains on."""
    training = state.metadata.training
    if training is None or training.faces < 1:
        return "not known: the checkpoint is of an older version"
    return f"{state.step * training.batch_size / training.faces:.1f}, of {training.faces} faces"
