"""Where the shipped configs start from, so that they differ in their method alone.

A config is still one file of one's own: it takes a recipe, changes what it likes, and every value can be
changed once more at the command line. All values are shown in the run's `config.json`.
"""

import dataclasses
from typing import Any

import ml_collections

from jaxfake.models.vit import SIZES, Size

VITS = {"ffpp": SIZES["base"], "ffpp_small": SIZES["small"]}
"""The encoder of each variant for FaceForensics++: ViT-B and ViT-S."""


def toyfaces(method: dict[str, Any]) -> ml_collections.ConfigDict:
    """The embedded default: toy faces of 80 pixels, a small model, minutes on two CPU cores."""
    stage = {
        "batch_size": 32,
        "device_batch": 0,
        "warmup": 0.05,
        "weight_decay": 0.05,
        "layer_decay": 1.0,
        "ema": 0.0,
        "crop": 0.9,
        "photometric": 0.0,
    }
    return ml_collections.ConfigDict(
        {
            "seed": 0,
            "fsdp": 1,
            "log_every": 100,
            "data": {
                "source": "toyfaces",
                "root": "data",
                "size": 80,
                "leave_out": "",
                "threads": 4,
                "workers": 0,
                "memory_mb": 256,
            },
            "model": {
                "patch": 8,
                "encoder": {"width": 64, "depth": 3, "heads": 2},
                "decoder": {"width": 64, "depth": 1, "heads": 2},
                "dtype": "float32",
                "attend": "xla",
            },
            "mask": {"mode": "part", "count": 5},
            "recover": {**stage, "steps": 2000, "learning_rate": 3.2e-2, "select_every": 0},
            "start": "recover",
            "start_pixels": "",
            "start_norm_pix": "",
            "detect": {**stage, "steps": 800, "learning_rate": 8e-3, "select_every": 200},
            "method": method,
            "checkpoints": {
                "interrupted_every_seconds": 7200.0,
                "at_risk_seconds": 300.0,
                "keep": 3,
            },
            "evaluation": {"batch_size": 64, "resamples": 1000, "aggregation": "mean"},
        }
    )


def vit_on_a_gpu(config: ml_collections.ConfigDict, encoder: Size) -> None:
    """Crops of 224 pixels, a ViT, and the small decoder of methods that kept it small.

    Lengths and rates follow the MAE's (He et al., 2022); how long is our choice.
    """
    config.data.size = 224
    config.data.threads = 16
    config.model = {
        "patch": 16,
        "encoder": dataclasses.asdict(encoder),
        "decoder": {"width": encoder.width // 2, "depth": 4, "heads": encoder.heads // 2},
        "dtype": "bfloat16",
        "attend": "cudnn",
    }
    config.mask.count = 8  # the parts have 14 to 24 patches
    config.recover.update(steps=50_000, batch_size=256, learning_rate=1.5e-4, ema=0.9999)


def ffpp(config: ml_collections.ConfigDict, encoder: Size) -> None:
    """FaceForensics++ c23 in data/ffpp, on a GPU; stage 2 as FSFM finetunes (Wang et al., 2025)."""
    vit_on_a_gpu(config, encoder)
    config.data.source = "data/ffpp"
    config.detect.update(
        steps=12_000,
        batch_size=64,
        learning_rate=2.5e-4,
        warmup=0.1,
        layer_decay=0.65,
        photometric=0.5,
        select_every=1_000,
    )
