"""How a result names the protocol by which it was measured."""

from collections.abc import Sequence

from jaxfake.evaluation.evidence.protocols.protocol import Protocol


def protocol_sentence(protocol: Protocol, departures: Sequence[str]) -> str:
    """The protocol, and in what the evaluation departs from it."""
    said = f"Protocol {protocol.in_words}: {protocol.title}."
    if not departures:
        return f"{said} Nothing departs from it."
    return f"{said} Departures: {' '.join(departures)}"


def protocol_facts(protocol: Protocol | None) -> tuple[tuple[str, str], ...]:
    """Rows that say what the protocol fixes; none without a protocol."""
    if protocol is None:
        return ()
    no_face = {"half": "P(fake) 0.5, and it counts", "left_out": "it does not count"}
    tests = "; ".join(f"{one.dataset}: {one.videos}" for one in protocol.test)
    return (
        ("protocol", protocol.in_words),
        ("protocol sha256", protocol.sha256),
        ("test lists", tests or "any dataset"),
        ("frames of a video", f"at most {protocol.frames}, evenly spaced"),
        ("score of a video", f"{protocol.aggregation} over its faces"),
        ("video without a face", no_face[protocol.no_face]),
    )
