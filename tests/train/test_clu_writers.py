"""The stand-in that spares users TensorFlow: it works, and a CLU that it no longer fits is noticed."""

import ast
import inspect
import struct
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tensorboardX.proto.event_pb2 import Event

from jaxfake.train.clu_writers import REPLACED, AsyncMultiWriter, SummaryWriter
from tests.project import ROOT


def _clu_modules() -> list[Path]:
    spec = find_spec("clu.metric_writers")
    assert spec is not None
    assert spec.origin is not None
    others = ("_test.py", "torch_tensorboard_writer.py")  # the latter is imported by nothing
    return [p for p in Path(spec.origin).parent.glob("*.py") if not p.name.endswith(others)]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_clu_needs_tensorflow_for_the_replaced_module_alone() -> None:
    needing = {
        f"clu.metric_writers.{path.stem}"
        for path in _clu_modules()
        if any(name.startswith(("tensorflow", ".tf")) for name in _imports(path))
    }
    assert needing == {REPLACED}


def test_training_writes_metrics_without_tensorflow() -> None:
    program = "import sys; sys.modules['tensorflow'] = None; import jaxfake.train.clu_writers"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_writer_has_what_the_loop_calls_as_clu_declares_it() -> None:
    from clu.metric_writers import MetricWriter

    declared = {
        name: list(inspect.signature(method).parameters)
        for name, method in inspect.getmembers(MetricWriter, inspect.isfunction)
        if name.startswith("write_") or name in ("flush", "close")
    }
    unused = {"write_summaries", "write_videos", "write_audios", "write_histograms"}
    ours = {
        name: list(inspect.signature(method).parameters)
        for name, method in inspect.getmembers(SummaryWriter, inspect.isfunction)
        if not name.startswith("_")
    }
    assert ours == {name: names for name, names in declared.items() if name not in unused}


def _events(folder: Path) -> list[Event]:
    """The records of an event file: length, its checksum, content, its checksum."""
    (path,) = folder.glob("events*")
    data, at, events = path.read_bytes(), 0, []
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        events.append(Event.FromString(data[at + 12 : at + 12 + length]))
        at += 12 + length + 4
    return events


def test_what_is_written_can_be_read_from_the_event_file(tmp_path: Path) -> None:
    writer = AsyncMultiWriter([SummaryWriter(str(tmp_path))])
    writer.write_scalars(3, {"loss": np.float32(0.5), "not_finite": float("nan")})
    writer.write_images(3, {"recovery": np.zeros((2, 4, 4, 3), np.uint8)})
    writer.write_texts(3, {"note": "text"})
    writer.close()
    values = {
        value.tag: (event.step, value)
        for event in _events(tmp_path)
        for value in event.summary.value
    }
    assert "not_finite" not in values
    step, loss = values["loss"]
    assert (step, loss.simple_value) == (3, 0.5)
    assert any(
        tag.startswith("recovery") and value.image.height for tag, (_, value) in values.items()
    )
    assert any(tag.startswith("note") for tag in values)
