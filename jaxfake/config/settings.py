"""What a run of the main job is: every value that can be set, as frozen dataclasses."""

import dataclasses
from typing import Literal

from jaxfake.data.forgeries.forgery import ALL_GUARDS, Forgery, Guards
from jaxfake.models.deepfakemae import DeepfakeMAESettings
from jaxfake.models.delocate import DelocateSettings
from jaxfake.models.finetuned.settings import ImportedSettings
from jaxfake.models.masking import MaskSettings
from jaxfake.models.mover import MoverSettings
from jaxfake.models.recap import RecapSettings
from jaxfake.models.vit import Attend, Size

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
        calibration_share: of the people of validation, who are kept from the selection of a state so that
            the detector is calibrated on them alone; 0 uses all people for both.
    """

    batch_size: int
    resamples: int
    aggregation: Aggregation
    calibration_share: float = 0.0


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
