"""Mover (Hu et al., 2305.05943), our reading of it. Today: stage 1 and its zero-shot result.

    python -m jaxfake.main --config=configs/mover.py

The embedded default: toy faces of 64 pixels, a small model, minutes on two CPU cores.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """The embedded default."""
    return ml_collections.ConfigDict(
        {
            "seed": 0,
            "fsdp": 1,
            "log_every": 50,
            "data": {
                "source": "toyfaces",
                "root": "data",
                "size": 64,
                "threads": 4,
                "workers": 0,
            },
            "model": {
                "patch": 8,
                "encoder": {"width": 128, "depth": 4, "heads": 4},
                "decoder": {"width": 64, "depth": 2, "heads": 2},
                "dtype": "float32",
                "attend": "xla",
            },
            "mask": {"mode": "part", "count": 8},
            "recover": {
                "steps": 800,
                "batch_size": 32,
                "accumulate": 1,
                "learning_rate": 8e-3,
                "warmup": 0.05,
                "weight_decay": 0.05,
                "ema": 0.0,
                "crop": 0.9,
            },
            "checkpoints": {"every_seconds": 30.0, "keep": 3},
            "evaluation": {"batch_size": 64, "resamples": 1000},
        }
    )
