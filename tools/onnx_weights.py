"""Takes the weights of a ViT out of an ONNX file: a .safetensors file that `finetuned.weights` can name.

    python -m tools.onnx_weights --onnx=vit_s.onnx --out=data/dinov2_small.safetensors --pixels=imagenet

For ViTs of Hugging Face's libraries that torch exported, DINOv2 above all, whatever was built behind them.
Needs the package onnx.
"""

from pathlib import Path

from absl import flags

from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path
from jaxfake.weights.onnx_vit import convert
from jaxfake.weights.pixel_scale import IMAGENET

_ONNX = define_path("onnx", None, "The ONNX file.")
_OUT = define_path("out", None, "The .safetensors file to write.")
_PIXELS = flags.DEFINE_string(
    "pixels", None, f"On which pixels it was trained: {IMAGENET}, clip, ours, or MEAN/STD."
)


def main() -> None:
    """Flags in, the file out."""
    if not _ONNX.value or not _OUT.value or not _PIXELS.value:
        raise InputError(
            "--onnx, --out and --pixels are needed: what to read, what to write, and its pixels"
        )
    convert(Path(_ONNX.value), Path(_OUT.value), _PIXELS.value)


if __name__ == "__main__":
    cli.run(main)
