"""Stage 1 on your own real faces: a masked autoencoder of facial parts.

    python -m jaxfake.prepare --dataset=folder --source=PHOTOS --out=data/faces --size=96
    python -m jaxfake.main --config=configs/pretrain.py --config.data.source=data/faces

The default is a small model on 96-pixel crops, for a CPU. ':vit_s' and ':vit_b' take 224-pixel crops
(`--size=224`) and a GPU: ViT-S and ViT-B with patches of 16 pixels and the four-block decoder of
methods that kept it small (MARLIN). The number of steps is our choice; no published result is claimed.
"""

import ml_collections

from jaxfake.experiment import presets
from jaxfake.models.vit import SIZES

ENCODERS = {"vit_s": SIZES["small"], "vit_b": SIZES["base"]}


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    """The config of a variant: '', 'vit_s' or 'vit_b'."""
    config = _on_a_cpu()
    if variant in ENCODERS:
        presets.vit_on_a_gpu(config, ENCODERS[variant])
    elif variant:
        raise ValueError(
            f"configs/pretrain.py has no variant {variant!r}: leave it out, or vit_s, vit_b"
        )
    return config


def _on_a_cpu() -> ml_collections.ConfigDict:
    config = presets.toyfaces({})
    config.log_every = 50
    config.data.update(source="data/faces", size=96)
    config.model.patch = 8
    config.model.encoder = {"width": 128, "depth": 4, "heads": 4}
    config.model.decoder = {"width": 64, "depth": 2, "heads": 2}
    config.mask.count = 6
    config.recover.update(steps=2500, batch_size=32, learning_rate=1e-2, crop=0.9)
    config.detect = config.method = None
    return config
