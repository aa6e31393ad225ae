"""Where the shipped configs start from, so that they differ in their method alone.

A config is still one file of one's own: it takes a recipe, changes what it likes, and every value can be
changed once more at the command line. All values are shown in the run's `config.json`.
"""

import dataclasses
from typing import Any

import ml_collections

from jaxfake.models.vit import SIZES, Size

FORGERIES = (
    ("self_blend", 0.4, 1.0),
    ("part_transplant", 0.12, 1.0),
    ("face_swap", 0.12, 1.0),
    ("reenact", 0.12, 1.0),
    ("twin", 0.12, 1.0),
    ("shallow", 0.12, 1.0),
)
"""All fakes of a run that sees no others. Self-blending has most, as it generalises best by itself."""

FACES = {
    "faces": (),
    "faces_forged": FORGERIES,
    "faces_both": tuple((kind, share / 2, strength) for kind, share, strength in FORGERIES),
}
"""The forgeries of each variant for real faces: none, nothing else, or half of the fakes."""

VITS = {"ffpp": SIZES["base"], "ffpp_small": SIZES["small"]}
"""The encoder of each variant for FaceForensics++: ViT-B and ViT-S."""


def toyfaces(method: dict[str, Any]) -> ml_collections.ConfigDict:
    """The embedded default: toy faces of 65 pixels, a small model, minutes on two CPU cores."""
    stage = {
        "batch_size": 16,
        "device_batch": 0,
        "warmup": 0.05,
        "weight_decay": 0.05,
        "layer_decay": 1.0,
        "ema": 0.0,
        "crop": 1.0,
        "photometric": 0.0,
    }
    return ml_collections.ConfigDict(
        {
            "seed": 0,
            "fsdp": 1,
            "log_every": 100,
            "memory": "off",
            "data": {
                "source": "toyfaces",
                "root": "data",
                "size": 65,
                "leave_out": "",
                "threads": 4,
                "workers": 0,
                "memory_mb": 256,
                "forgeries": (),
                "guards": {"pristine": True, "symmetric": True, "self_blended": 0.5},
            },
            "model": {
                "patch": 5,
                "encoder": {"width": 48, "depth": 2, "heads": 2},
                "decoder": {"width": 48, "depth": 1, "heads": 2},
                "dtype": "float32",
                "attend": "xla",
            },
            "mask": {"mode": "part", "count": 8},
            "recover": {
                **stage,
                "steps": 5000,
                "batch_size": 8,
                "learning_rate": 6.4e-2,
                "select_every": 0,
            },
            "start": "recover",
            "start_pixels": "",
            "start_norm_pix": "",
            "finetuned": None,
            "detect": {**stage, "steps": 1000, "learning_rate": 1.6e-2, "select_every": 250},
            "method": method,
            "checkpoints": {
                "interrupted_every_seconds": 7200.0,
                "at_risk_seconds": 300.0,
                "keep": 3,
            },
            "evaluation": {
                "batch_size": 64,
                "resamples": 1000,
                "aggregation": "mean",
                "calibration_share": 0.0,
            },
        }
    )


def vit_on_a_gpu(config: ml_collections.ConfigDict, encoder: Size) -> None:
    """Crops of 224 pixels, a ViT, and the small decoder of methods that kept it small.

    Lengths and rates follow the MAE's (He et al., 2022); how long is our choice.
    """
    config.memory = "auto"
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
    config.recover.update(steps=50_000, batch_size=256, learning_rate=1.5e-4, ema=0.9999, crop=0.9)


def ffpp(config: ml_collections.ConfigDict, encoder: Size) -> None:
    """FaceForensics++ c23 in data/ffpp, on a GPU; stage 2 as FSFM finetunes (Wang et al., 2025)."""
    vit_on_a_gpu(config, encoder)
    config.data.source = "data/ffpp"
    config.detect.update(
        steps=12_000,
        batch_size=64,
        learning_rate=2.5e-4,
        crop=0.9,
        warmup=0.1,
        layer_decay=0.65,
        photometric=0.5,
        select_every=1_000,
    )


def faces(config: ml_collections.ConfigDict, variant: str) -> None:
    """Prepared faces of 112 pixels in data/faces, on a CPU: networks of 3 million parameters, in hours.

    Args:
        config: is changed.
        variant: one of `FACES`.
    """
    config.data.update(source="data/faces", size=112, forgeries=FACES[variant])
    config.model.update(
        patch=8,
        encoder={"width": 192, "depth": 6, "heads": 3},
        decoder={"width": 96, "depth": 2, "heads": 3},
    )
    config.mask.count = 8  # the parts have 14 to 24 patches
    config.recover.update(steps=6_000, batch_size=64, learning_rate=4e-3, crop=0.9)
    config.detect.update(
        steps=3_000,
        batch_size=32,
        learning_rate=2.4e-3,
        crop=0.9,
        warmup=0.1,
        photometric=0.5,
        select_every=250,
    )


def foundation(config: ml_collections.ConfigDict) -> None:
    """Two networks on real faces of 368 pixels: beside the recovery's, one that knows the world.

    Stage 2 finetunes DINOv2 ViT-S/14 (Oquab et al., 2023) by a change of low rank (LoRA; Hu et al., 2021).
    It is read at early blocks, since its last ones tell less of how a picture was made (Koutlis and
    Papadopoulos, 2024), and sees the middle 224 pixels, which the face fills, as they are. Everything
    else is `faces`; all numbers are our choice, by validation on DFDC (docs/studies/dfdc_faces.md).
    """
    faces(config, "faces")
    config.data.size, config.model.patch = 368, 23
    config.detect.update(steps=1_000, learning_rate=3.2e-3, photometric=0.25)
    config.finetuned = {
        "weights": "dinov2_small",
        "pixels": "imagenet",
        "vit": {
            "size": dataclasses.asdict(SIZES["small"]),
            "patch": 14,
            "positions": "learned",
            "registers": 0,
            "layer_scale": True,
            "norm_pre": False,
            "activation": "gelu",
            "epsilon": 1e-6,
        },
        "side": 224,
        "tuning": "lora",
        "lora_rank": 8,
        "blocks": (3, 6, 9),
        "window": 224 / 368,
        "head": "probe",
    }
