"""Mover (Hu et al., 2305.05943), our reading of it: recover, detect, evaluate, report.

    python -m jaxfake.main --config=configs/mover.py

The embedded default: toy faces of 64 pixels, a small model, minutes on two CPU cores. Ablations of it:
':finetuned' and ':mapping' (one network alone), ':random_mask', ':scratch' (no stage 1), ':mask_1' and
':mask_4' (so many patches masked; the default has 2 of 16). ':ffpp' and ':ffpp_small' are the recipe
for FaceForensics++ c23 on a GPU: ViT-B and ViT-S on prepared crops of 224 pixels in data/ffpp.
"""

import ml_collections

ENCODERS = {"ffpp": (768, 12), "ffpp_small": (384, 6)}


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    """The config of a variant; '' is the embedded default."""
    config = _toyfaces()
    match variant:
        case "":
            pass
        case "finetuned" | "mapping":
            config.method.networks = variant
        case "random_mask":
            config.mask.mode = "random"
        case "scratch":
            config.start = "scratch"
        case "mask_1" | "mask_4":
            config.mask.count = int(variant[-1])
        case "ffpp" | "ffpp_small":
            _ffpp(config, *ENCODERS[variant])
        case _:
            raise ValueError(
                f"configs/mover.py has no variant {variant!r}; its docstring lists them"
            )
    return config


def _ffpp(config: ml_collections.ConfigDict, width: int, heads: int) -> None:
    config.data.source = "data/ffpp"
    config.data.size = 224
    config.data.threads = 16
    config.model = {
        "patch": 16,
        "encoder": {"width": width, "depth": 12, "heads": heads},
        "decoder": {"width": width // 2, "depth": 4, "heads": heads // 2},
        "dtype": "bfloat16",
        "attend": "cudnn",
    }
    config.mask.count = 24
    config.recover.update(steps=50_000, batch_size=256, learning_rate=1.5e-4, ema=0.9999)
    config.detect.update(
        steps=12_000,
        batch_size=64,
        learning_rate=2.5e-4,
        warmup=0.1,
        layer_decay=0.65,
        photometric=0.5,
        select_every=1_000,
    )
    config.method.drop_path = 0.1


def _toyfaces() -> ml_collections.ConfigDict:
    return ml_collections.ConfigDict(
        {
            "seed": 0,
            "fsdp": 1,
            "log_every": 100,
            "data": {
                "source": "toyfaces",
                "root": "data",
                "size": 64,
                "threads": 4,
                "workers": 0,
                "memory_mb": 256,
            },
            "model": {
                "patch": 16,
                "encoder": {"width": 64, "depth": 4, "heads": 2},
                "decoder": {"width": 64, "depth": 2, "heads": 2},
                "dtype": "float32",
                "attend": "xla",
            },
            "mask": {"mode": "part", "count": 2},
            "recover": {
                "steps": 8000,
                "batch_size": 32,
                "accumulate": 1,
                "learning_rate": 3.2e-2,
                "warmup": 0.05,
                "weight_decay": 0.05,
                "layer_decay": 1.0,
                "ema": 0.0,
                "crop": 0.9,
                "photometric": 0.0,
                "select_every": 0,
            },
            "start": "recover",
            "detect": {
                "steps": 3000,
                "batch_size": 32,
                "accumulate": 1,
                "learning_rate": 8e-3,
                "warmup": 0.05,
                "weight_decay": 0.05,
                "layer_decay": 1.0,
                "ema": 0.0,
                "crop": 0.9,
                "photometric": 0.0,
                "select_every": 500,
            },
            "method": {
                "name": "mover",
                "networks": "both",
                "map_weight": 0.5,
                "dropout": 0.1,
                "drop_path": 0.0,
            },
            "checkpoints": {"every_seconds": 30.0, "keep": 3},
            "evaluation": {"batch_size": 64, "resamples": 1000, "aggregation": "mean"},
        }
    )
