"""Writes a trained detector as a model folder, which others can use without the run.

    python -m jaxfake.export --workdir=runs/mover --to=FOLDER --format=model --licence=Apache-2.0

The folder holds the weights as .safetensors, the config without paths of this machine, the calibration with
the ranges that it holds for, what the run was measured at, and a model card.
"""

from jaxfake.runtime import standard_streams
from jaxfake.runtime.preemption import preemption

if __name__ == "__main__":
    standard_streams.outlive()
    preemption.listen()  # the imports take a second, in which a stop may be requested too

from pathlib import Path

from absl import flags

from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path

_WORKDIR = define_path("workdir", None, "Folder of the run, or of checkpoints of it.")
_TO = define_path("to", None, "Folder to write; it must not hold anything.")
_FORMAT = flags.DEFINE_enum("format", "model", ["model"], "What to write.")
_STEP = flags.DEFINE_integer("step", None, "Checkpoint; by default the selected or newest one.", 1)
_NAME = flags.DEFINE_string("name", "", "Name of the model; by default that of the run's folder.")
_LICENCE = flags.DEFINE_string(
    "licence", None, "Under which others may use the weights, such as Apache-2.0."
)

_TRAINED_ON = flags.DEFINE_string(
    "trained_on", "", "What the training data are, for the model card; by default the name of their folder."
)  # fmt: skip
_WITHOUT_FOUNDATION = flags.DEFINE_bool(
    "without_foundation", False, "Leave out what did not change of the imported encoder that jaxfake "
    "fetches by name; the folder is small."
)  # fmt: skip


def main() -> None:
    """Flags in, one call, messages out."""
    for flag, example in ((_WORKDIR, "runs/mover"), (_TO, "models/mover")):
        if not flag.value:
            raise InputError(f"--{flag.name} is missing: give it a folder, such as {example}")
    if not _LICENCE.value:
        raise InputError(
            "--licence is missing: say under which licence others may use the weights, such as Apache-2.0"
        )
    from jaxfake.experiment.load_run import load_run
    from jaxfake.inference.model.export_model import Export, export_model
    from jaxfake.runtime.devices import check_devices
    from jaxfake.runtime.progress import say

    check_devices()
    run = load_run(Path(_WORKDIR.value), _STEP.value)
    wanted = Export(
        Path(_TO.value),
        _LICENCE.value,
        _NAME.value,
        _TRAINED_ON.value,
        _WITHOUT_FOUNDATION.value,
    )
    folder = export_model(run, wanted)
    say(f"model folder: {folder}")


if __name__ == "__main__":
    cli.run(main)
