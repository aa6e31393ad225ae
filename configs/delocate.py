"""Delocate (Hu et al., 2401.13516), our reading of it: recover, localise and detect, evaluate, report.

    python -m jaxfake.main --config=configs/delocate.py

The embedded default: toy faces of 80 pixels and a small model; its convolutions make it several times
slower on a CPU than the other methods. Its results on these toy faces have not been measured yet.

Variants: ':no_meta' (plain training), ':second_order',
':manipulation' (meta-test holds out all fakes of one manipulation). ':ffpp' and ':ffpp_small' are the
recipe for FaceForensics++ c23 on a GPU: ViT-B and ViT-S on prepared crops of 224 pixels in data/ffpp.
"""

import ml_collections

from jaxfake.experiment import presets

METHOD = {
    "name": "delocate",
    "shrink": 4,
    "channels": 16,
    "width": 8,
    "map_weight": 0.5,
    "dropout": 0.1,
    "meta": {
        "held_out": "videos",
        "second_order": False,
        "inner_rate": 1e-3,
        "weight": 1.0,
    },
}


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    """The config of a variant; '' is the embedded default."""
    config = presets.toyfaces(METHOD)
    config.detect.update(steps=2_400, learning_rate=1.6e-2)
    match variant:
        case "":
            pass
        case "no_meta":
            config.method.meta.held_out = "none"
        case "second_order":
            config.method.meta.second_order = True
        case "manipulation":
            config.method.meta.held_out = "manipulation"
        case "ffpp" | "ffpp_small":
            presets.ffpp(config, presets.VITS[variant])
            config.method.update(shrink=2, channels=64, width=64)
        case _:
            raise ValueError(
                f"configs/delocate.py has no variant {variant!r}; its docstring lists them"
            )
    return config
