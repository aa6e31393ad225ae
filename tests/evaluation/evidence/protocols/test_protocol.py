"""A protocol is data: read whole or refused, and hashed by what it fixes."""

import dataclasses

import pytest

from jaxfake.evaluation.evidence.protocols.protocol import load_protocol, names, protocol_json
from jaxfake.runtime.errors import InputError

OWN = """
name = "mine"
version = 2
title = "My clips"
frames = 8
aggregation = "median"
no_face = "left_out"
subject = "largest"
attributes = ["file_bytes"]
test = [{ dataset = "clips", videos = "all", real = 3 }]
"""


def load(tmp_path, text):
    (tmp_path / "mine.toml").write_text(text)
    return load_protocol(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize("name", names())
def test_every_shipped_protocol_is_whole(name):
    protocol = load_protocol(name)
    assert protocol.name == name
    assert protocol.subject == "largest"  # whatever the label
    assert len({load_protocol(one).sha256 for one in names()}) == len(names())


def test_the_digest_follows_from_the_rules_and_not_from_the_file(tmp_path):
    mine = load(tmp_path, OWN)
    assert load(tmp_path, "# a remark\n" + OWN).sha256 == mine.sha256
    assert load(tmp_path, OWN.replace("frames = 8", "frames = 9")).sha256 != mine.sha256
    assert protocol_json(mine, ["less"])["sha256"] == mine.sha256
    assert dataclasses.replace(mine, version=3).in_words.startswith("mine version 3 (sha256 ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("frames = 8", "frame = 8"), "did you mean 'frames'"),
        (("frames = 8", 'frames = "8"'), "must be a whole number"),
        (("frames = 8", "frames = 0"), "at least 1"),
        (("median", "best"), "must be one of"),
        (("left_out", "guessed"), "must be one of"),
        (("largest", "mask"), "must be one of"),  # the label would decide who is looked at
        (("file_bytes", "luck"), "is not an attribute"),
        (('"mine"', '"../mine"'), "must be a word"),
        (("version = 2", "version = "), "is not a protocol"),
        (("real = 3 }", 'real = 3 }, { dataset = "clips", videos = "b" }'), "by two lists"),
    ],
)
def test_a_faulty_file_is_refused_in_one_line(tmp_path, change, said):
    with pytest.raises(InputError, match=said) as refused:
        load(tmp_path, OWN.replace(*change))
    assert "\n" not in str(refused.value)


def test_an_unknown_name_lists_the_known(tmp_path):
    with pytest.raises(InputError, match="ffpp_c23"):
        load_protocol("ffpp")
    with pytest.raises(InputError, match="is not there"):
        load_protocol(str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match="tests clips, and not 'toys'"):
        load(tmp_path, OWN).list_of("toys")
    assert load_protocol("own_faces").list_of("toys") is None
