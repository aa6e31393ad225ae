"""From a config to the objects that it names: the autoencoder of stage 1, the detector, how to score."""

import dataclasses

import jax
from jax.sharding import Mesh

from jaxfake.config import Config, Stage
from jaxfake.evaluation.predict import ScoringSettings
from jaxfake.experiment.run_folder import DETECT
from jaxfake.models.deepfakemae import DeepfakeMAE, DeepfakeMAESettings
from jaxfake.models.delocate import Delocate, DelocateSettings
from jaxfake.models.finetuned.network import ImportedViT
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.meta_learning import with_meta_learning
from jaxfake.models.method import Method
from jaxfake.models.mover import Mover, MoverSettings
from jaxfake.models.recap import Recap, RecapSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute
from jaxfake.runtime.progress import say
from jaxfake.train import sharding
from jaxfake.train.memory.workload import Workload, workload_of


def computable_here(config: Config) -> Config:
    """The same network without cuDNN, where there is no GPU for it."""
    if config.model.attend != "cudnn" or jax.default_backend() == "gpu":
        return config
    say("no NVIDIA GPU here: attention is computed without cuDNN, the same but for rounding")
    return dataclasses.replace(config, model=dataclasses.replace(config.model, attend="xla"))


def recovery(config: Config) -> Recover:
    """Stage 1 as configured."""
    model = config.model
    compute = Compute(model.dtype, model.attend)
    mae = MaskedAutoencoder(model.encoder, model.decoder, config.data.size, model.patch, compute)
    return Recover(mae, config.mask)


def imported_network(config: Config) -> ImportedViT | None:
    """The imported network of stage 2 as configured; None without one."""
    if config.finetuned is None:
        return None
    return ImportedViT(config.finetuned, Compute(config.model.dtype, config.model.attend))


def detector(config: Config) -> Method:
    """Stage 2 as configured.

    Raises:
        ValueError: the config has none.
    """
    recover, imported = recovery(config), imported_network(config)
    match config.method:
        case DeepfakeMAESettings() as settings:
            return DeepfakeMAE(recover, settings, imported)
        case MoverSettings() as settings:
            return Mover(recover, settings, imported)
        case RecapSettings() as settings:
            return Recap(recover, settings, imported)
        case DelocateSettings() as settings:
            return with_meta_learning(Delocate(recover, settings, imported), settings.meta)
        case None:
            raise ValueError("this config trains stage 1 alone")


def scoring(config: Config) -> ScoringSettings:
    """How faces are scored: on all devices that there are."""
    batch_size, threads = config.evaluation.batch_size, config.data.threads
    return ScoringSettings(batch_size, config.seed, scoring_mesh(), threads)


def scoring_mesh() -> Mesh:
    """All devices that there are, for whole copies of the parameters."""
    return sharding.make_mesh(1, jax.device_count())


def stage_settings(config: Config, stage: str) -> Stage:
    """How a stage, which the config must have, is trained."""
    settings = config.detect if stage == DETECT else config.recover
    assert settings is not None
    return settings


def stage_method(config: Config, stage: str) -> Method:
    """What a stage trains."""
    return detector(config) if stage == DETECT else recovery(config)


def stage_workload(config: Config, stage: str) -> Workload:
    """What the memory planner plans for."""
    return workload_of(stage_method(config, stage), stage_settings(config, stage), config)
