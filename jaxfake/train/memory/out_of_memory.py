"""A device that runs out of memory during training: what to say, and with which plan it would fit."""

import jax

from jaxfake.config import Config, Stage
from jaxfake.models.method import Method
from jaxfake.runtime.errors import InputError
from jaxfake.train.memory.cards import GIB
from jaxfake.train.memory.choose import device_budget, fewest_micro_batches, verified
from jaxfake.train.memory.subject import subject
from jaxfake.train.state import TrainState

_WORDS = ("RESOURCE_EXHAUSTED", "Out of memory", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device refused an allocation."""
    return isinstance(error, jax.errors.JaxRuntimeError) and any(w in str(error) for w in _WORDS)


def is_whole(state: TrainState) -> bool:
    """Whether a state can still be saved: a step that failed late has used it up."""
    return not any(leaf.is_deleted() for leaf in jax.tree.leaves(state))


def explanation(
    method: Method, settings: Stage, config: Config, stage: str, step: int, saved: bool
) -> InputError:
    """One line that says what happened and what to do."""
    kept = "the state is saved" if saved else "what was saved before is whole"
    return InputError(
        f"{stage}: the device ran out of memory at step {step}; {kept}: run the same command with "
        f"{_advice(method, settings, config)}"
    )


def _advice(method: Method, settings: Stage, config: Config) -> str:
    """The flag to add; a plan by name where one is found."""
    budget = device_budget()
    try:
        # What has just failed did not fit, whatever was predicted: a tenth less is tried.
        chosen = verified(
            subject(method, settings, config),
            budget._replace(device=0.9 * budget.device),
            config,
            fewest_micro_batches(settings),
        )
    except InputError as error:
        return f"a smaller batch_size ({error})"
    size = chosen.cost.device / GIB
    return f"--config.memory='{chosen.plan}', which takes {size:.2f} GiB"
