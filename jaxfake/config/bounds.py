"""The most that a config may ask for: it may come with a run from anyone."""

from jaxfake.config.digest import dotted, to_json
from jaxfake.config.settings import Config
from jaxfake.runtime.errors import InputError
from jaxfake.schema import MOST_SIDE

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
"""What takes memory or threads, far above what is of use."""

_MOST_PATCHES = 1 << 14


def check_most(config: Config) -> None:
    values = dotted(to_json(config), "")
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
