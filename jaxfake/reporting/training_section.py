"""What the report says of training."""

from jaxfake.reporting import figures
from jaxfake.reporting.html import Figure, Section, svg_source
from jaxfake.reporting.training_log import TrainingLog


def training_section(stage: str, log: TrainingLog) -> Section:
    """The course of training."""
    title = f"Training: {stage}"
    if not len(log.step):
        return Section(title, ("metrics.jsonl holds no row of this stage.",), ())
    caption = (
        "Left: the loss, mean since the row before; it should fall and level off. Beside it: training "
        "speed; a dip marks a pause, such as compiling or saving."
    )
    if log.looks:
        caption += (
            " Right of it: the score of the validation split, by which the state that is used, "
            "marked orange, was chosen; the newest of equals."
        )
    curve = Figure("Loss and speed", caption, svg_source(figures.training_curve(log)))
    return Section(title, (), (curve,))
