"""The sections of the report about the course of training and about its memory plan."""

from jaxfake.reporting import figures
from jaxfake.reporting.html import Figure, Section, svg_source
from jaxfake.reporting.training.training_log import TrainingLog
from jaxfake.train.memory.timeline import Iteration, simulate

_ITERATIONS = 3
"""That are simulated."""


def training_section(stage: str, log: TrainingLog) -> Section:
    """Loss, speed and validation scores of a stage."""
    title = f"Training: {stage}"
    if not len(log.step):
        return Section(title, ("metrics.jsonl has no row of this stage.",), ())
    caption = (
        "First: the loss, mean since the previous row; it should fall and level off. Second: training "
        "speed; a dip is a pause, such as compiling or saving."
    )
    if log.validation:
        caption += (
            " Third: the score on the validation split. The state with the highest score, marked orange, "
            "is the one that is used; of equal scores, the newest."
        )
    curve = Figure("Loss and speed", caption, svg_source(figures.training_curve(log)))
    return Section(title, (), (curve,))


def memory_section(stage: str, plan: str, work: Iteration) -> Section:
    """What a memory plan is predicted to do over some iterations.

    Args:
        stage: its name.
        plan: as it is written in a config.
        work: what one iteration does.
    """
    ahead = simulate(work, _ITERATIONS, "next use")
    naive = simulate(work, _ITERATIONS, "naive")
    words = (
        f"Predicted for {stage} under '{plan}': {1000 * ahead.per_iteration:.0f} ms an iteration if "
        f"parameters are updated in the order of their next use, {1000 * naive.per_iteration:.0f} ms in "
        f"naive order. Something is computed during {ahead.overlap:.0%} of the time of copies, and during "
        f"{naive.overlap:.0%} of it in naive order."
    )
    picture = Figure(
        "What is computed and copied when",
        "A simulation, not a measurement. In naive order the last block is updated first, and each copy is "
        "waited for.",
        svg_source(figures.timelines({"next use": ahead, "naive": naive})),
    )
    return Section(f"Memory plan: {stage}", (words,), (picture,))
