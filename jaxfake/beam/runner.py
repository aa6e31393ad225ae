"""Which runner of Beam a command asks for, by its flags --beam_runner and --beam_option."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

from jaxfake.runtime.errors import InputError

DASK = "DaskRunner"

_PACKAGES = {DASK: ("distributed", "beam,dask")}
"""What a runner needs beside Beam: a module, and the extras that install it."""


@dataclass(frozen=True)
class Runner:
    """A runner of Beam.

    Attributes:
        name: in Beam.
        options: of the pipeline, `KEY=VALUE` or `KEY`.
    """

    name: str
    options: tuple[str, ...] = ()


def runner_of(name: str | None, options: Sequence[str]) -> Runner | None:
    """The runner that the flags name; None without one.

    Raises:
        InputError: there are options without a runner, or what it needs is not installed.
    """
    if not name:
        if options:
            raise InputError("--beam_option is for a pipeline: name its --beam_runner")
        return None
    for module, extras in (("apache_beam", "beam"), _PACKAGES.get(name, ("apache_beam", "beam"))):
        if importlib.util.find_spec(module) is None:
            raise InputError(
                f"--beam_runner={name} needs the module {module}, which is not installed: "
                f"pip install -e '.[{extras}]' -c constraints-beam.txt, in an environment of its own"
            )
    return Runner(name, tuple(options))
