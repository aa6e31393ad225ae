"""Compares methods by the scores that they gave to the same videos.

    python -m jaxfake.compare --out=compared \\
        --method='mover=runs/mover_default_*/eval/toyfaces/test/scores.csv' \\
        --method='recap=runs/recap_default_*/eval/toyfaces/test/scores.csv'

Several files of one method are its seeds. Every two methods are compared by DeLong's test over people, with
the spread over seeds, and all p-values are corrected together (Holm). Leaves `comparison.json` and
`report.html`. No model is needed, and any tool's files can be compared, see python -m jaxfake.evaluate.
"""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from absl import flags

from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path

if TYPE_CHECKING:
    from jaxfake.evaluation.stored_scores.columns import Polarity

_METHOD = flags.DEFINE_multi_string(
    "method", [], "NAME=FILES of one method; * in the path stands for any text. Give it for each."
)
_OUT = define_path("out", "compared", "Folder for the results.")
_PROTOCOL = flags.DEFINE_string(
    "protocol", None, "Protocol whose rule for videos without a face applies."
)
_POLARITY = flags.DEFINE_enum(
    "polarity",
    None,
    ["fake_high", "fake_low"],
    "Which scores the fakes have in files of another tool.",
)
_COLUMNS = flags.DEFINE_list("columns", [], "Names in files of another tool, such as score=prob.")
_FAKE_LABEL = flags.DEFINE_integer(
    "fake_label", None, "The number that files of another tool call a fake by.", 0, 1
)
_RESAMPLES = flags.DEFINE_integer("resamples", 1000, "Resamples of people.", 1)


def main() -> None:
    """Flags in, one call, messages out."""
    if not _METHOD.value:
        raise InputError("--method is missing: give it at least twice, such as --method=NAME=FILE")
    from jaxfake.evaluation.evidence.protocols.protocol import load_protocol
    from jaxfake.evaluation.metrics.intervals import Bootstrap
    from jaxfake.evaluation.stored_scores.columns import ScoreColumns, parse_names
    from jaxfake.experiment.from_scores import compare_scores
    from jaxfake.runtime.progress import say

    out = Path(_OUT.value)
    polarity = cast("Polarity | None", _POLARITY.value)
    request = compare_scores.ComparisonRequest(
        compare_scores.parse_methods(_METHOD.value),
        out,
        ScoreColumns(polarity, parse_names(_COLUMNS.value), _FAKE_LABEL.value),
        load_protocol(_PROTOCOL.value) if _PROTOCOL.value else None,
        Bootstrap(_RESAMPLES.value, 0),
    )
    say("\n".join(compare_scores.compare_scores(request)))
    say(f"report: {out / 'report.html'}")


if __name__ == "__main__":
    cli.run(main)
