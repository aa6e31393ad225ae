"""Numbers as the report and the terminal show them."""

from jaxfake.evaluation.metrics.auc import Auc, Bootstrap, Interval, Undefined


def number_text(value: float | Undefined, decimals: int = 3) -> str:
    """The decimals, or that there is no number."""
    return "undefined" if isinstance(value, Undefined) else f"{value:.{decimals}f}"


def interval_text(interval: Interval | Undefined, decimals: int = 3) -> str:
    """Both ends, or that there is none."""
    if isinstance(interval, Undefined):
        return "no interval"
    return f"{interval.low:.{decimals}f} to {interval.high:.{decimals}f}"


def auc_sentence(name: str, auc: Auc) -> str:
    """Whose video AUC it is, its interval and how many videos it stands for."""
    counts = f"{auc.n_real} real and {auc.n_fake} fake videos"
    if isinstance(auc.value, Undefined):
        return f"{name}: no video AUC over {counts}: {auc.value.reason}."
    number = f"{name}: video AUC {auc.value:.3f}"
    if isinstance(auc.ci95, Undefined):
        return f"{number}, over {counts}; no interval: {auc.ci95.reason}."
    return f"{number} (95 % interval {interval_text(auc.ci95)}; {counts})."


def intervals_paragraph(bootstrap: Bootstrap) -> str:
    """How the intervals of areas are drawn, and what that leaves out."""
    return (
        f"Intervals: 95 %, percentile bootstrap, {bootstrap.resamples} resamples. Most draw the "
        "videos of each class again, as if they were independent; those of one person are not, so "
        "the true uncertainty is likely larger. 'By people' draws people again, each with all real "
        "and fake videos together. All numbers hold for this dataset and split."
    )
