"""What the report says of training."""

from jaxfake.scoring import figures
from jaxfake.scoring.report import Figure, Section, svg_source
from jaxfake.scoring.training_log import TrainingLog


def training_section(log: TrainingLog) -> Section:
    """The course of training."""
    if not len(log.step):
        return Section("Training", ("metrics.jsonl holds no row of this stage.",), ())
    caption = (
        "Left: the loss, mean since the row before; it should fall and level off. Right: training "
        "speed; a dip marks a pause, such as compiling or saving."
    )
    curve = Figure("Loss and speed", caption, svg_source(figures.training_curve(log)))
    return Section("Training", (), (curve,))
