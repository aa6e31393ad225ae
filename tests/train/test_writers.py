"""Metrics on disk: rows and events as a person reads them, also after an interruption."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from tensorboardX.proto.event_pb2 import Event

from jaxfake.train.stage import SELECTION
from jaxfake.train.writers import make_writer


def _rows(workdir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def _write(workdir: Path, begun_at: int, steps: list[int], look_again: bool = False) -> None:
    writer = make_writer(workdir, "recover", begun_at, look_again)
    for step in steps:
        writer.write_scalars(step, {"loss": jnp.float32(step), "seen": float("nan")})
    writer.close()


def test_a_row_holds_numbers_and_null_where_there_is_none(tmp_path: Path) -> None:
    _write(tmp_path, 0, [2])
    assert _rows(tmp_path) == [{"stage": "recover", "step": 2, "loss": 2.0, "seen": None}]


def test_an_interruption_takes_back_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    _write(tmp_path, 0, [2, 4, 6])
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"stage": "detect", "step": 6}) + "\n" + '{"stage": "recov')
    _write(tmp_path, 4, [6, 8])
    steps = [(row["stage"], row["step"]) for row in _rows(tmp_path)]
    assert steps == [("recover", 2), ("recover", 4), ("detect", 6), ("recover", 6), ("recover", 8)]


def test_a_look_that_is_made_again_is_written_once(tmp_path: Path) -> None:
    _write(tmp_path, 0, [4])
    looked = json.dumps({"stage": "recover", "step": 4, f"{SELECTION}auc": 0.5})
    for look_again, left in ((False, 2), (True, 1)):
        with (tmp_path / "metrics.jsonl").open("a") as file:
            file.write(looked + "\n")
        _write(tmp_path, 4, [], look_again)
        kept = [row for row in _rows(tmp_path) if row["step"] == 4]
        assert len(kept) == left


def test_tensorboard_reads_numbers_pictures_and_texts(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, "recover", 0, False)
    writer.write_scalars(3, {"loss": jnp.float32(0.25)})
    writer.write_images(3, {"recovery": jnp.zeros((2, 4, 8, 3), jnp.uint8)})
    writer.write_texts(0, {"parameters": "a table"})
    writer.close()
    (file,) = (tmp_path / "tensorboard" / "recover").iterdir()
    found = {
        value.tag: (event.step, value) for event in _events(file) for value in event.summary.value
    }
    assert (found["loss"][0], found["loss"][1].simple_value) == (3, 0.25)
    pictures = [value for tag, (_, value) in found.items() if tag.startswith("recovery")]
    assert [(value.image.height, value.image.width) for value in pictures] == [(4, 2 * 8)]
    (text,) = [value for tag, (_, value) in found.items() if tag.startswith("parameters")]
    assert text.tensor.string_val == [b"a table"]


def _events(file: Path) -> Iterator[Any]:
    """The records of an event file: length, its checksum, content, its checksum."""
    data = file.read_bytes()
    while data:
        (length,) = struct.unpack_from("<Q", data)
        yield Event.FromString(data[12 : 12 + length])
        data = data[12 + length + 4 :]
