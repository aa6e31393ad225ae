"""The section of the report about what the files alone tell, beside the AUC of what was evaluated."""

from jaxfake.evaluation.evidence.confounds import Confound
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting import confounds_text
from jaxfake.reporting.html import Section, Table
from jaxfake.reporting.wording import interval_text, number_text


def confounds_section(
    confounds: tuple[Confound, ...] | Undefined, name: str, measured: Auc
) -> Section:
    """How well attributes of the files tell real from fake.

    Args:
        confounds: of the files of the scored videos.
        name: of the score that was evaluated on them.
        measured: its AUC.
    """
    title = "What the files alone tell"
    if isinstance(confounds, Undefined):
        return Section(title, (f"Not measured: {confounds.reason}.",), ())
    rows = [_row(name, measured, "")]
    rows += [
        _row(confounds_text.IN_WORDS[one.name], one.auc, _direction(one))
        for one in confounds
        if not isinstance(one.auc.value, Undefined)
    ]
    caption = (
        "Each attribute of the source files as a score of its own, without a look at any face. Formats, "
        "JPEG tables, and all together: a logistic regression, cross-validated by identity. An AUC that is "
        "not clearly above these is no evidence that forgeries are detected."
    )
    header = ("score", "AUC", "95 % interval", "real", "fake", "larger in")
    table = Table("AUC of the files", caption, header, tuple(rows), first_row_leads=True)
    return Section(title, tuple(confounds_text.warning(confounds)), (table,))


def confounds_warning(confounds: tuple[Confound, ...] | Undefined) -> list[str]:
    """A sentence for the top of the page, if the files alone tell real from fake."""
    return [] if isinstance(confounds, Undefined) else confounds_text.warning(confounds)


def _row(name: str, auc: Auc, direction: str) -> tuple[str, ...]:
    counts = (str(auc.n_real), str(auc.n_fake))
    return (name, number_text(auc.value), interval_text(auc.ci95), *counts, direction)


def _direction(one: Confound) -> str:
    return {"fake": "fakes", "real": "reals"}.get(one.larger_in, "")
