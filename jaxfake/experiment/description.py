"""What a trained state was, in words: of which stage, how far it got, of what it was made."""

from jaxfake.evaluation.result_files import manifest_facts
from jaxfake.experiment.build import DETECT
from jaxfake.experiment.locate import Found
from jaxfake.experiment.restore import RestoredStage


def facts(found: Found, stage: RestoredStage) -> tuple[tuple[str, str], ...]:
    """Names and values, as a person reads them before the results and in the report."""
    noted = stage.noted
    of_detector = found.stage == DETECT
    method = found.config.method
    named = f" ({method.name})" if of_detector and method is not None else ""
    rows = [
        ("checkpoint", f"step {stage.step} of {found.settings.steps} of {found.stage}{named}"),
        ("epoch", _epoch(stage)),
    ]
    if noted.record is not None:
        rows.append(("trained on", f"{noted.record.devices}, JAX {noted.record.jax}"))
    if stage.score is not None:
        rows.append(("validation score", f"{stage.score:.4f}"))
    if of_detector:
        rows.append(("started from", noted.start))
    rows += [("config sha256", noted.config), ("training data sha256", noted.data)]
    return (*rows, *manifest_facts(noted.manifest, ""))


def in_words(found: Found, stage: RestoredStage) -> str:
    """The facts, one a line."""
    return "\n".join(f"{name}: {value}" for name, value in facts(found, stage))


def not_the_end(found: Found, stage: RestoredStage) -> list[str]:
    """Says so if the stage was to be trained further, or may have been."""
    steps = found.settings.steps
    if max(stage.step, found.newest or 0) >= steps:
        return []
    return [
        f"Step {stage.step} of {steps} is not the end of the stage {found.stage!r}: a finished run "
        "may score otherwise."
    ]


def _epoch(stage: RestoredStage) -> str:
    """How often the stage had seen as many faces as it trains on."""
    record = stage.noted.record
    if record is None or record.faces < 1:
        return "not known: the checkpoint is of an older version"
    return f"{stage.step * record.batch_size / record.faces:.1f}, of {record.faces} faces"
