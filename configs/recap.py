"""Recap (Hu et al., 2308.09921), our reading of it: recover, map, evaluate, report.

    python -m jaxfake.main --config=configs/recap.py

The embedded default: toy faces of 65 pixels, a small model, minutes on two CPU cores.

Variants: ':no_mapping', ':real_only' (no push of fakes), ':unbounded' (a push without a margin) and
':no_emphasis' (all fakes have the same weight) are ablations. ':faces', ':faces_forged' and ':faces_both'
take prepared real faces of 112 pixels in data/faces, with the fakes of the dataset, with forgeries, or
both; hours on a CPU. ':ffpp' and ':ffpp_small' are the recipe for FaceForensics++ c23 on a GPU: ViT-B and
ViT-S on prepared crops of 224 pixels in data/ffpp.

':foundation' finetunes DINOv2 ViT-S/14 (LoRA) beside the recovery's network, on faces of 368
pixels in data/faces; docs/foundation.md says where its weights come from.
"""

import ml_collections

from jaxfake.experiment import presets

METHOD = {
    "name": "recap",
    "mapping": "margin",
    "emphasis": True,
    "map_weight": 0.5,
    "dropout": 0.1,
}


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    """The config of a variant; '' is the embedded default."""
    config = presets.toyfaces(METHOD)
    match variant:
        case "":
            pass
        case "no_mapping":
            config.method.mapping = "none"
        case "real_only":
            config.method.mapping = "real"
        case "unbounded":
            config.method.mapping = "unbounded"
        case "no_emphasis":
            config.method.emphasis = False
        case "faces" | "faces_forged" | "faces_both":
            presets.faces(config, variant)
        case "foundation":
            presets.foundation(config)
        case "ffpp" | "ffpp_small":
            presets.ffpp(config, presets.VITS[variant])
        case _:
            raise ValueError(
                f"configs/recap.py has no variant {variant!r}; its docstring lists them"
            )
    return config
