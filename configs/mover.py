"""Mover (Hu et al., 2305.05943), our reading of it: recover, detect, evaluate, report.

    python -m jaxfake.main --config=configs/mover.py

The embedded default: toy faces of 65 pixels, a small model, minutes on two CPU cores.

Variants: ':roi' (regions of interest of all parts are masked together), ':finetuned' and ':mapping' (one
network alone), ':random_mask', ':scratch' (no stage 1), ':mask_4' and ':mask_11' (4 or 11 masked patches;
the default is 8, of the 14 to 28 that a part usually has) are ablations. ':faces', ':faces_forged' and
':faces_both' take prepared real faces of 112 pixels in data/faces, with the fakes of the dataset, with
forgeries, or both; hours on a CPU. ':ffpp' and ':ffpp_small' are the recipe for
FaceForensics++ c23 on a GPU: ViT-B and ViT-S on prepared crops of 224 pixels in data/ffpp.

':foundation' finetunes DINOv2 ViT-S/14 (LoRA) beside the recovery's network, on faces of 368
pixels in data/faces; docs/foundation.md says where its weights come from.
"""

import ml_collections

from jaxfake.experiment import presets

METHOD = {
    "name": "mover",
    "networks": "both",
    "map_weight": 0.5,
    "dropout": 0.1,
    "drop_path": 0.0,
}


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    """The config of a variant; '' is the embedded default."""
    config = presets.toyfaces(METHOD)
    match variant:
        case "":
            pass
        case "finetuned" | "mapping":
            config.method.networks = variant
        case "random_mask":
            config.mask.mode = "random"
        case "scratch":
            config.start = "scratch"
        case "roi":
            config.mask.update(mode="roi_any", count=8)
        case "mask_4" | "mask_11":
            config.mask.count = int(variant.removeprefix("mask_"))
        case "faces" | "faces_forged" | "faces_both":
            presets.faces(config, variant)
        case "foundation":
            presets.foundation(config)
        case "ffpp" | "ffpp_small":
            presets.ffpp(config, presets.VITS[variant])
            config.method.drop_path = 0.1
        case _:
            raise ValueError(
                f"configs/mover.py has no variant {variant!r}; its docstring lists them"
            )
    return config
