"""Delocate (Hu et al., 2401.13516), our reading of it: recover, localise and detect, evaluate, report.

    python -m jaxfake.main --config=configs/delocate.py

The embedded default: toy faces of 65 pixels and a small model; its convolutions make it several times
slower on a CPU than the other methods. Its results on these toy faces have not been measured yet.

Meta-learning, which the paper trains with, is off unless a variant asks for it: over three seeds it brought
no gain in AUC and cost .02 of the Dice (docs/results.md). Variants: ':meta' (meta-test holds out videos),
':second_order' (the same with the gradient of the inner step), ':manipulation' (meta-test holds out all
fakes of one manipulation). ':faces', ':faces_forged' and ':faces_both' take prepared real faces of 112
pixels in data/faces, with the fakes of the dataset, with forgeries, or both; hours on a CPU. ':ffpp' and
':ffpp_small' are the recipe for FaceForensics++ c23 on a GPU: ViT-B and ViT-S on prepared crops of 224
pixels in data/ffpp.

':foundation' finetunes DINOv2 ViT-S/14 (LoRA) beside the recovery's network, on faces of 368
pixels in data/faces; docs/foundation.md says where its weights come from.
"""

import ml_collections

from jaxfake.experiment import presets

METHOD = {
    "name": "delocate",
    "shrink": 5,
    "channels": 16,
    "width": 8,
    "stages": (1, 2, 4, 8),
    "map_weight": 0.5,
    "dropout": 0.1,
    "meta": {
        "held_out": "none",
        "second_order": False,
        "inner_rate": 1e-3,
        "weight": 1.0,
    },
}


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    """The config of a variant; '' is the embedded default."""
    config = presets.toyfaces(METHOD)
    config.detect.update(steps=2_400, batch_size=32, learning_rate=1.6e-2)
    match variant:
        case "":
            pass
        case "meta":
            config.method.meta.held_out = "videos"
        case "second_order":
            config.method.meta.update(held_out="videos", second_order=True)
        case "manipulation":
            config.method.meta.held_out = "manipulation"
        case "faces" | "faces_forged" | "faces_both":
            presets.faces(config, variant)
            config.method.shrink = 2
        case "foundation":
            presets.foundation(config)
            config.method.shrink = 4
        case "ffpp" | "ffpp_small":
            presets.ffpp(config, presets.VITS[variant])
            config.method.update(shrink=2, channels=64, width=64)
        case _:
            raise ValueError(
                f"configs/delocate.py has no variant {variant!r}; its docstring lists them"
            )
    return config
