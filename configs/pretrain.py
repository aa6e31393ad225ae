"""Stage 1 on your own real faces: a masked autoencoder of facial parts.

    python -m jaxfake.prepare --dataset=folder --source=PHOTOS --out=data/faces --size=96
    python -m jaxfake.main --config=configs/pretrain.py --config.data.source=data/faces

The default is a small model on 96-pixel crops, for a CPU. ':vit_s' and ':vit_b' take 224-pixel crops
(`--size=224`) and a GPU: ViT-S and ViT-B with patches of 16 pixels and the four-block decoder of
methods that kept it small (MARLIN). Their lengths are our choice; no result of theirs is claimed here.
"""

import ml_collections

from jaxfake import recipes
from jaxfake.models.vit import SIZES

ENCODERS = {"vit_s": SIZES["small"], "vit_b": SIZES["base"]}


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    """The config of a variant: '', 'vit_s' or 'vit_b'."""
    config = _on_a_cpu()
    if variant in ENCODERS:
        recipes.vit_on_a_gpu(config, ENCODERS[variant])
    elif variant:
        raise ValueError(
            f"configs/pretrain.py has no variant {variant!r}: leave it out, or vit_s, vit_b"
        )
    return config


def _on_a_cpu() -> ml_collections.ConfigDict:
    return ml_collections.ConfigDict(
        {
            "seed": 0,
            "fsdp": 1,
            "log_every": 50,
            "data": {
                "source": "data/faces",
                "root": "data",
                "size": 96,
                "threads": 4,
                "workers": 0,
                "memory_mb": 256,
            },
            "model": {
                "patch": 12,
                "encoder": {"width": 128, "depth": 4, "heads": 4},
                "decoder": {"width": 64, "depth": 2, "heads": 2},
                "dtype": "float32",
                "attend": "xla",
            },
            "mask": {"mode": "part", "count": 8},
            "recover": {
                "steps": 2500,
                "batch_size": 32,
                "accumulate": 1,
                "learning_rate": 1e-2,
                "warmup": 0.05,
                "weight_decay": 0.05,
                "layer_decay": 1.0,
                "ema": 0.0,
                "crop": 0.9,
                "photometric": 0.0,
                "select_every": 0,
            },
            "start": "recover",
            "detect": None,
            "method": None,
            "checkpoints": {"every_seconds": 30.0, "keep": 3},
            "evaluation": {"batch_size": 64, "resamples": 1000, "aggregation": "mean"},
        }
    )
