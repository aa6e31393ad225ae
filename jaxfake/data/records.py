"""How an example is stored in a TFDS dataset: the schema as TFDS features, and back.

TFDS runs without TensorFlow when it is given encoded bytes and written as ArrayRecord.
"""

import io
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from jaxfake import schema
from jaxfake.data.encoding import Storage, decode_mask, decode_png, encode_mask, encode_picture
from jaxfake.schema import Example

FILE_FORMAT = "array_record"
"""The only TFDS file format that is written and read without TensorFlow, and with random access."""


def face_features(size: int, storage: Storage = "png") -> tfds.features.FeaturesDict:
    """TFDS features of one face crop of `size` x `size` pixels."""
    text = tfds.features.Text()
    return tfds.features.FeaturesDict(
        {
            schema.IMAGE: _pixels((size, size, 3), storage),
            schema.LANDMARKS: tfds.features.Tensor(shape=(68, 2), dtype=np.float32),
            schema.LABEL: tfds.features.Scalar(dtype=np.int32),
            schema.METHOD: text,
            schema.DATASET: text,
            schema.VIDEO_ID: text,
            schema.IDENTITY: text,
            schema.FRAME: tfds.features.Scalar(dtype=np.int32),
            schema.FORGERY_MASK: _pixels((size, size, 1), storage),
            schema.HAS_MASK: tfds.features.Scalar(dtype=np.bool_),
            schema.MATRIX: tfds.features.Tensor(shape=(2, 3), dtype=np.float32),
        }
    )


def _pixels(shape: tuple[int, int, int], storage: Storage) -> tfds.features.FeatureConnector:
    if storage == "raw":
        return tfds.features.Tensor(shape=shape, dtype=np.uint8, encoding="bytes")
    return tfds.features.Image(shape=shape, dtype=np.uint8, encoding_format="png")


def encode(example: Example, storage: Storage = "png") -> dict[str, Any]:
    """The example as the dictionary that a TFDS builder yields."""
    fields: dict[str, Any] = example._asdict()
    if storage == "png":
        fields[schema.IMAGE] = io.BytesIO(encode_picture(example.image, storage))
        fields[schema.FORGERY_MASK] = io.BytesIO(encode_mask(example.forgery_mask))
    else:
        fields[schema.FORGERY_MASK] = example.forgery_mask[..., None]
    return fields


def decode(fields: dict[str, Any]) -> Example:
    """The example of one record, which was read with `SkipDecoding` for its pictures.

    Raises:
        InputError: a stored picture does not decode.
    """
    image, mask = fields[schema.IMAGE], fields[schema.FORGERY_MASK]
    if isinstance(image, bytes):
        image = decode_png(image)
        mask = decode_mask(mask)[..., None]
    return Example(
        image=image,
        landmarks=fields[schema.LANDMARKS],
        label=int(fields[schema.LABEL]),
        method=_text(fields[schema.METHOD]),
        dataset=_text(fields[schema.DATASET]),
        video_id=_text(fields[schema.VIDEO_ID]),
        identity=_text(fields[schema.IDENTITY]),
        frame=int(fields[schema.FRAME]),
        forgery_mask=mask[..., 0],
        has_mask=bool(fields[schema.HAS_MASK]),
        matrix=fields[schema.MATRIX],
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
