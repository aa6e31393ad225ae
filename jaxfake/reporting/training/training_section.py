"""The section of the report about the course of training."""

from jaxfake.reporting import figures
from jaxfake.reporting.html import Figure, Section, svg_source
from jaxfake.reporting.training.training_log import TrainingLog


def training_section(stage: str, log: TrainingLog) -> Section:
    """Loss, speed and validation scores of a stage."""
    title = f"Training: {stage}"
    if not len(log.step):
        return Section(title, ("metrics.jsonl has no row of this stage.",), ())
    caption = (
        "Left: the loss, mean since the previous row; it should fall and level off. Middle: training "
        "speed; a dip is a pause, such as compiling or saving."
    )
    if log.validation:
        caption += (
            " Right: the score on the validation split. The state with the highest score, marked orange, "
            "is the one that is used; of equal scores, the newest."
        )
    curve = Figure("Loss and speed", caption, svg_source(figures.training_curve(log)))
    return Section(title, (), (curve,))
