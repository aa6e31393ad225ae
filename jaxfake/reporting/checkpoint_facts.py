"""A checkpoint as rows of text: its stage, how far it was trained, and on what data."""

import dataclasses

from jaxfake.checkpoints.metadata import CheckpointMetadata


@dataclasses.dataclass(frozen=True)
class CheckpointDescription:
    """A state of a stage.

    Attributes:
        metadata: of the checkpoint.
        method: name of the detector; None for stage 1.
        step: of the state.
        steps: of the whole stage.
        newest: step of the newest checkpoint beside it, if that is known.
        validation_score: None if it was not validated.
        averaged_steps: over about how many steps its parameters are averaged; None if they are not.
    """

    metadata: CheckpointMetadata
    method: str | None
    step: int
    steps: int
    newest: int | None
    validation_score: float | None
    averaged_steps: float | None


def checkpoint_facts(state: CheckpointDescription) -> tuple[tuple[str, str], ...]:
    """Rows (name, value) for the terminal and the report."""
    identity, training = state.metadata.identity, state.metadata.training
    of_method = "" if state.method is None else f" ({state.method})"
    rows = [
        ("checkpoint", f"step {state.step} of {state.steps} of {identity.stage}{of_method}"),
        ("epoch", _epoch(state)),
    ]
    if state.averaged_steps is not None:
        steps = f"the moving average over about the last {state.averaged_steps:.0f} steps"
        rows.append(("parameters", steps))
    if training is not None:
        rows.append(("trained on", f"{training.devices}, JAX {training.jax}"))
    if state.validation_score is not None:
        rows.append(("validation score", f"{state.validation_score:.4f}"))
    if state.method is not None:
        rows.append(("started from", identity.start or ""))
    rows += [("config sha256", identity.config), ("training data sha256", identity.data or "")]
    return (*rows, *manifest_facts(identity.manifest or "", ""))


def manifest_facts(train: str, scored: str) -> list[tuple[str, str]]:
    """Rows with the manifests of the data trained on and scored; an empty one is left out."""
    named = [("training data manifest", train), ("data manifest", scored)]
    return [(name, manifest) for name, manifest in named if manifest]


def checkpoint_text(state: CheckpointDescription) -> str:
    """The rows of `checkpoint_facts`, one on each line."""
    return "\n".join(f"{name}: {value}" for name, value in checkpoint_facts(state))


def unfinished_warning(state: CheckpointDescription) -> list[str]:
    """A warning if the training of the stage was not finished, or may not have been."""
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
