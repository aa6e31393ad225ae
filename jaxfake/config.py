"""From a ConfigDict, which people override at the command line, to frozen dataclasses.

Everything past `parse` works with these types alone. An unknown key is an error that names the nearest
known one; a missing key is an error too, so a config file shows every value that a run uses.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, cast

from jaxfake.data.forgeries.forgery import ALL_GUARDS, KINDS, Forgery, Guards
from jaxfake.models.deepfakemae import DeepfakeMAESettings
from jaxfake.models.delocate import DelocateSettings
from jaxfake.models.finetuned.settings import ImportedSettings, check_imported_settings
from jaxfake.models.masking import MaskSettings
from jaxfake.models.mover import MoverSettings
from jaxfake.models.recap import RecapSettings
from jaxfake.models.vit import Attend, Size
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import expand_home
from jaxfake.runtime.typed_values import build
from jaxfake.schema import MOST_SIDE

SHARE_ROUNDING = 1e-6
"""Shares may add up to 1 but for this."""

Aggregation = Literal["mean", "median", "max", "mean_logit"]


@dataclasses.dataclass(frozen=True)
class Data:
    """Where the faces come from and how they are read.

    Attributes:
        source: 'toyfaces', which is built on first use, or the folder of a prepared dataset.
        root: folder in which toyfaces is built.
        size: side of the square crops in pixels; a dataset of another size is refused.
        leave_out: a manipulation that training and selection do not see, so that the test split shows
            how one unknown to the detector is found; '' for none.
        threads: reading threads of each process.
        workers: reading processes beside the main one; 0 is best on few cores.
        memory_mb: for decoded faces of a training split that stay in memory, in each process.
        forgeries: fakes that stage 2 makes from real faces, as (kind, share, strength). The share is that
            of all fakes: with 1 in sum the dataset's own fakes are not seen, else they have the rest.
            The state is selected by forgeries of the validation split if training sees no other fakes.
        guards: what keeps a forgery from being told by anything but the face.
    """

    source: str
    root: str
    size: int
    leave_out: str
    threads: int
    workers: int
    memory_mb: int
    forgeries: tuple[Forgery, ...] = ()
    guards: Guards = ALL_GUARDS

    @property
    def only_forgeries(self) -> bool:
        """Whether forgeries are all the fakes that training sees, whatever the dataset has."""
        return sum(forgery.share for forgery in self.forgeries) > 1 - SHARE_ROUNDING


@dataclasses.dataclass(frozen=True)
class Model:
    """The masked autoencoder.

    Attributes:
        patch: side of a patch in pixels; divides `data.size`.
        dtype: of activations; bfloat16 pays on a GPU, not on a CPU.
        attend: 'cudnn' is fused attention on an NVIDIA GPU, with bfloat16 only.
    """

    patch: int
    encoder: Size
    decoder: Size
    dtype: Literal["float32", "bfloat16"]
    attend: Attend


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        steps: updates of the parameters.
        batch_size: faces in one update, over all devices.
        device_batch: most faces that a device takes at once; a larger share of a batch is cut into
            parts, one after the other. 0 for no limit. What is learnt is the same, but for rounding.
        learning_rate: peak, for a batch of 256; scaled linearly with `batch_size`.
        warmup: share of the steps in which the rate rises from 0; then it falls to 0 by a half cosine.
            A stage that was lengthened does so once more over the steps that were added.
        layer_decay: of the rate of finetuned encoders from each block to the one before; 1 for none.
        ema: largest decay of the moving average of the parameters, see `train.moving_average`; 0 keeps
            none.
        crop: smallest side of a random square crop, as a share of the image; 1 for none.
        photometric: share of faces whose light, contrast, sharpness and compression are varied.
        select_every: steps between two looks at the validation split, whose best state is what the
            stage leaves; 0 takes the last state.
        lengthened_at: how many steps the stage had before it was lengthened, each time. A run notes it by
            itself; a config need not have it.
    """

    steps: int
    batch_size: int
    device_batch: int
    learning_rate: float
    warmup: float
    weight_decay: float
    layer_decay: float
    ema: float
    crop: float
    photometric: float
    select_every: int
    lengthened_at: tuple[int, ...] = ()

    @property
    def ends(self) -> tuple[int, ...]:
        """The steps after which the stage has ended, the first times to be lengthened."""
        return (*self.lengthened_at, self.steps)


@dataclasses.dataclass(frozen=True)
class Checkpoints:
    """What saves are timed by, see `train.save_interval`, and how many are kept.

    Attributes:
        interrupted_every_seconds: mean time until the machine is taken away; a guess is enough.
        at_risk_seconds: most work that an interruption may cost, whatever the saves cost.
        keep: newest checkpoints that stay; the selected one stays beside them.
    """

    interrupted_every_seconds: float
    at_risk_seconds: float
    keep: int


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How results are measured.

    Attributes:
        batch_size: faces scored at a time.
        resamples: of the bootstrap intervals of means.
        aggregation: how the scores of a video's faces become one.
    """

    batch_size: int
    resamples: int
    aggregation: Aggregation


MethodSettings = DeepfakeMAESettings | MoverSettings | RecapSettings | DelocateSettings


@dataclasses.dataclass(frozen=True)
class Config:
    """A run of the main job.

    Attributes:
        seed: of everything that is random.
        fsdp: devices over which each parameter is split; the rest hold whole copies.
        log_every: steps between two rows of metrics.
        recover: stage 1.
        start: what stage 2 starts from: 'recover', this run's stage 1; 'scratch'; the folder of
            another run, for its stage 1; or a .safetensors file. With any but the first, stage 1
            is not trained.
        detect: stage 2; None for a run of stage 1 alone.
        method: what stage 2 trains; None if there is none.
        start_pixels: what was done to the pixels that weights in a file were trained on: 'ours',
            'imagenet', 'clip', or MEAN/STD; '' for what the file says. See `weights.pixel_scale`.
        start_norm_pix: whether their decoder predicts pixels normalised by patch; '' for what the file
            says.
        finetuned: an imported network that stage 2 finetunes beside the recovery's; None for stage 1's
            encoder, where the method finetunes one.
        memory: how training fits the devices: 'off'; 'auto', or 'auto:16GiB' for a smaller budget than they
            have; or a plan, as `python -m jaxfake.plan` writes it. What is learnt is the same.
        earlier: digests of this config before the run was lengthened, each time. A run notes them by
            itself; a config need not have them.
    """

    seed: int
    fsdp: int
    log_every: int
    data: Data
    model: Model
    mask: MaskSettings
    recover: Stage
    start: str
    detect: Stage | None
    method: MethodSettings | None
    checkpoints: Checkpoints
    evaluation: Evaluation
    start_pixels: str = ""
    start_norm_pix: Literal["", "yes", "no"] = ""
    finetuned: ImportedSettings | None = None
    memory: str = "off"
    earlier: tuple[str, ...] = ()


def parse(values: Mapping[str, Any]) -> Config:
    """The config as typed values.

    Raises:
        InputError: a key is unknown or missing, or a value has the wrong type or cannot work.
    """
    config = _with_home(build(Config, values, "config"))
    _check(config)
    return config


def _with_home(config: Config) -> Config:
    """With `~` expanded in every path."""
    source, root = expand_home(config.data.source), expand_home(config.data.root)
    data = dataclasses.replace(config.data, source=source, root=root)
    finetuned = config.finetuned
    if finetuned is not None:
        finetuned = dataclasses.replace(finetuned, weights=expand_home(finetuned.weights))
    start = expand_home(config.start)
    return dataclasses.replace(config, data=data, start=start, finetuned=finetuned)


def to_json(config: Config) -> dict[str, Any]:
    """The config as plain values, in the order of its fields."""
    return dataclasses.asdict(config)


_OPERATIONAL = (
    "data.source",  # may lie elsewhere on another machine; checkpoints know its digest
    "data.root",
    "data.threads",
    "data.workers",
    "data.memory_mb",
    "log_every",
    "memory",
    "checkpoints",
    "recover.device_batch",
    "detect.device_batch",
    "model.attend",
    "earlier",
)
"""Keys that change how a run goes, and not what comes out but for rounding; they may differ between
two tries, as the devices may."""


_LENGTHENED = ".lengthened_at"


def results_values(config: Config) -> dict[str, Any]:
    """Every value that the results depend on, by its dotted key.

    A key that has a default counts only where it differs from that, so that a key that is added to the
    config, or to its data, later changes no digest of an earlier run.
    """
    defaults = _plain_values(_defaults(Config, "") | _defaults(Data, "data."))
    return {
        key: value
        for key, value in _flat(_plain_values(to_json(config)), "").items()
        if not key.startswith(_OPERATIONAL)
        and (value or not key.endswith(_LENGTHENED))
        and value != defaults.get(key, dataclasses.MISSING)
    }


def _defaults(kind: Any, prefix: str) -> dict[str, Any]:
    """The values of a dataclass that need not be given, by their dotted keys."""
    given = {field.name: field.default for field in dataclasses.fields(kind)}
    defaults = {key: value for key, value in given.items() if value is not dataclasses.MISSING}
    groups = {key: value for key, value in defaults.items() if dataclasses.is_dataclass(value)}
    plain = {key: dataclasses.asdict(cast("Any", value)) for key, value in groups.items()}
    return _flat(defaults | plain, prefix)


def _plain_values(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON has them: tuples are lists."""
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def config_digest(config: Config) -> str:
    """sha256 of `results_values`, by which checkpoints and results name the config."""
    return values_digest(results_values(config))


def values_digest(values: Mapping[str, Any]) -> str:
    """sha256 of such values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def without_lengthening(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a command says of a run: what its folder knows of earlier lengths is left out."""
    return {key: value for key, value in values.items() if not key.endswith(_LENGTHENED)}


def _check_stage(name: str, stage: Stage) -> None:
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
        if broken:
            raise InputError(f"config: {name}.{message}")


def _flat(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        nested = isinstance(value, dict)
        flat |= _flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return flat


_MOST = {
    "data.size": MOST_SIDE,
    "data.threads": 1024,
    "data.workers": 1024,
    "model.encoder.width": 1 << 14,
    "model.encoder.depth": 1 << 9,
    "model.decoder.width": 1 << 14,
    "model.decoder.depth": 1 << 9,
    "finetuned.vit.size.width": 1 << 14,
    "finetuned.vit.size.depth": 1 << 9,
    "finetuned.vit.registers": 1 << 10,
    "finetuned.side": MOST_SIDE,
    "recover.batch_size": 1 << 20,
    "detect.batch_size": 1 << 20,
    "evaluation.batch_size": 1 << 16,
    "evaluation.resamples": 1 << 20,
}
"""What takes memory or threads, far above what is of use: a config may come with a run from anyone."""

_MOST_PATCHES = 1 << 14


def _check_most(config: Config) -> None:
    values = _flat(to_json(config), "")
    for key, most in _MOST.items():
        if values.get(key, 0) > most:
            raise InputError(
                f"config: {key}={values[key]} is more than {most}, the most that is taken"
            )
    patches = (config.data.size // max(config.model.patch, 1)) ** 2
    if patches > _MOST_PATCHES:
        raise InputError(
            f"config: crops of {config.data.size} pixels have {patches} patches of {config.model.patch} "
            f"pixels; at most {_MOST_PATCHES} are taken"
        )


def _finetunes(method: MethodSettings | None) -> bool:
    """Whether stage 2 has, or may have, a network that is finetuned."""
    return method is not None and getattr(method, "networks", "both") != "mapping"


def _check(config: Config) -> None:
    """What no type can say, each with what to do about it."""
    _check_most(config)
    size, patch = config.data.size, config.model.patch
    patches = (size // patch) ** 2 if patch > 0 else 0
    for broken, message in (
        (
            patches == 0 or size % patch,
            f"data.size {size} must be a multiple of model.patch {patch}",
        ),
        (
            not 0 < config.mask.count < patches,
            f"mask.count must lie between 1 and {patches - 1}, fewer than the {patches} patches",
        ),
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
        (
            config.model.attend == "cudnn" and config.model.dtype != "bfloat16",
            "model.attend=cudnn works with model.dtype=bfloat16 only",
        ),
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
    ):
        if broken:
            raise InputError(f"config: {message}")
    _check_stage("recover", config.recover)
    if config.detect is not None:
        _check_stage("detect", config.detect)
    if config.finetuned is not None:
        check_imported_settings(config.finetuned)
    _check_forgeries(config)
    for stack in (config.model.encoder, config.model.decoder):
        if stack.width % stack.heads or stack.width % 4:
            raise InputError(
                f"config: a model width ({stack.width}) must be a multiple of its heads "
                f"({stack.heads}) and of 4"
            )


def _check_forgeries(config: Config) -> None:
    forgeries, guards = config.data.forgeries, config.data.guards
    total = sum(forgery.share for forgery in forgeries)
    for broken, message in (
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
        (not 0 <= guards.self_blended <= 1, "data.guards.self_blended must lie in [0, 1]"),
    ):
        if broken:
            raise InputError(f"config: {message}")
