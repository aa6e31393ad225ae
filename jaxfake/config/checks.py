"""What no type can say of a config, each with what to do about it."""

from collections.abc import Iterator

from jaxfake.config.bounds import check_most
from jaxfake.config.settings import SHARE_ROUNDING, Config, MethodSettings, Stage
from jaxfake.data.forgeries.forgery import KINDS
from jaxfake.models.delocate import DelocateSettings
from jaxfake.models.finetuned.settings import check_imported_settings
from jaxfake.models.vit import Size
from jaxfake.runtime.errors import InputError

MOST_STAGES = 8
"""Stages that a U-Net may have; the last of 8 has a side 128 times smaller."""

Checks = tuple[tuple[object, str], ...]
"""Whether something is broken, and what is said then."""


def check(config: Config) -> None:
    """Checks a config whose types are right.

    Raises:
        InputError: it cannot work, or asks for too much.
    """
    check_most(config)
    for broken, message in _all_checks(config):
        if broken:
            raise InputError(f"config: {message}")
    if config.finetuned is not None:
        check_imported_settings(config.finetuned)


def _all_checks(config: Config) -> Iterator[tuple[object, str]]:
    yield from _network(config)
    yield from _run(config)
    yield from _evaluation(config)
    yield from _method(config)
    if isinstance(config.method, DelocateSettings):
        yield from _localiser(config.method, config.data.size)
    yield from _stage("recover", config.recover)
    if config.detect is not None:
        yield from _stage("detect", config.detect)
    yield from _forgeries(config)
    yield from _guards(config)


def _network(config: Config) -> Iterator[tuple[object, str]]:
    """The autoencoder and the patches of a face."""
    size, patch = config.data.size, config.model.patch
    patches = (size // patch) ** 2 if patch > 0 else 0
    yield from (
        (
            patches == 0 or size % patch,
            f"data.size {size} must be a multiple of model.patch {patch}",
        ),
        (
            not 0 < config.mask.count < patches,
            f"mask.count must lie between 1 and {patches - 1}, fewer than the {patches} patches",
        ),
        (
            config.model.attend == "cudnn" and config.model.dtype != "bfloat16",
            "model.attend=cudnn works with model.dtype=bfloat16 only",
        ),
    )
    for stack in (config.model.encoder, config.model.decoder):
        yield from _stack(stack)


def _stack(stack: Size) -> Checks:
    smallest = min(stack.width, stack.depth, stack.heads)
    return (
        (
            smallest < 1,
            f"width, depth and heads of a model must be at least 1, not {smallest}",
        ),
        (
            smallest > 0 and (stack.width % stack.heads or stack.width % 4),
            f"a model width ({stack.width}) must be a multiple of its heads ({stack.heads}) and of 4",
        ),
    )


def _run(config: Config) -> Checks:
    """Devices, rows of metrics and checkpoints."""
    return (
        (config.fsdp < 1, "fsdp must be at least 1"),
        (config.log_every < 1, "log_every must be at least 1"),
        (
            config.checkpoints.interrupted_every_seconds <= 0,
            "checkpoints.interrupted_every_seconds must be greater than 0",
        ),
        (
            config.checkpoints.at_risk_seconds < 0,
            "checkpoints.at_risk_seconds must not be negative",
        ),
        (config.checkpoints.keep < 2, "checkpoints.keep must be at least 2: one may be damaged"),
    )


def _evaluation(config: Config) -> Checks:
    share = config.evaluation.calibration_share
    return (
        (not 0 <= share < 1, "evaluation.calibration_share must lie in [0, 1)"),
        (
            share and not (config.detect and config.detect.select_every),
            "evaluation.calibration_share is for runs that select a state: set detect.select_every",
        ),
    )


def _method(config: Config) -> Checks:
    """Which stages there are, and what the method of stage 2 needs."""
    return (
        (
            (config.detect is None) != (config.method is None),
            "detect and method belong together: give both, or None for both",
        ),
        (
            config.detect is None and config.start != "recover",
            f"start={config.start} leaves nothing to train: there is no detect stage",
        ),
        (
            isinstance(config.method, DelocateSettings)
            and config.method.meta.held_out != "none"
            and config.detect is not None
            and config.detect.device_batch != 0,
            "method.meta.held_out needs detect.device_batch=0: an inner step is made on a whole batch",
        ),
        (config.recover.select_every, "recover.select_every must be 0: stage 1 has no score"),
        (
            config.finetuned is not None and not _finetunes(config.method),
            "finetuned needs a stage 2 that uses it (and not method.networks=mapping): set it to None",
        ),
    )


def _localiser(method: DelocateSettings, size: int) -> Checks:
    """The U-Net of Delocate, whose stages halve the side until the last, rounded up."""
    stages, shrink = method.stages, method.shrink
    return (
        (
            not 1 <= len(stages) <= MOST_STAGES or min(stages) < 1,
            f"method.stages must be 1 to {MOST_STAGES} whole numbers of at least 1",
        ),
        (
            shrink < 1 or size % shrink,
            f"data.size {size} must be a multiple of method.shrink {shrink}",
        ),
    )


def _finetunes(method: MethodSettings | None) -> bool:
    """Whether stage 2 has, or may have, a network that is finetuned."""
    return method is not None and getattr(method, "networks", "both") != "mapping"


def _stage(name: str, stage: Stage) -> Iterator[tuple[object, str]]:
    for broken, message in (
        (stage.batch_size < 1, "batch_size must be at least 1"),
        (stage.device_batch < 0, "device_batch must not be negative; 0 is no limit"),
        (stage.steps < 1, "steps must be at least 1"),
        (not 0 < stage.crop <= 1, "crop must lie in (0, 1]"),
        (not 0 <= stage.ema < 1, "ema must lie in [0, 1)"),
        (not 0 < stage.layer_decay <= 1, "layer_decay must lie in (0, 1]"),
        (not 0 <= stage.photometric <= 1, "photometric must lie in [0, 1]"),
        (stage.select_every < 0, "select_every must not be negative"),
        (
            list(stage.ends) != sorted(set(stage.ends)) or stage.ends[0] < 1,
            "lengthened_at must be numbers of steps that grow, all below steps",
        ),
    ):
        yield broken, f"{name}.{message}"


def _forgeries(config: Config) -> Checks:
    forgeries = config.data.forgeries
    total = sum(forgery.share for forgery in forgeries)
    return (
        (
            not all(0 < forgery.share <= 1 for forgery in forgeries),
            "the share of each of data.forgeries must lie in (0, 1]",
        ),
        (
            not all(0 < forgery.strength <= 1 for forgery in forgeries),
            "the strength of each of data.forgeries must lie in (0, 1]",
        ),
        (
            total > 1 + SHARE_ROUNDING,
            f"the shares of data.forgeries add up to {total:g}: they are of all fakes, so to at most 1",
        ),
        (
            len({forgery.kind for forgery in forgeries}) < len(forgeries),
            f"data.forgeries names a kind twice; there are {', '.join(KINDS)}",
        ),
        (
            bool(forgeries) and config.detect is None,
            "data.forgeries are for stage 2, and there is no detect stage",
        ),
    )


def _guards(config: Config) -> Checks:
    share = config.data.guards.self_blended
    return ((not 0 <= share <= 1, "data.guards.self_blended must lie in [0, 1]"),)
