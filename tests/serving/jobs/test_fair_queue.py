"""Whose turn it is."""

import pytest

from jaxfake.serving.jobs.fair_queue import FairQueue, QueueFull


def taken(queue):
    return list(iter(queue.take, None))


def test_people_take_turns_and_keep_their_own_order():
    queue = FairQueue(10, 10)
    for entry in ("a1", "a2", "a3", "b1", "c1", "b2"):
        queue.put(entry[0], entry)
    order = queue.order()
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert taken(queue) == order
    assert queue.take() is None


def test_who_has_just_had_a_turn_waits_for_the_others():
    queue = FairQueue(10, 10)
    for entry in ("a1", "a2", "b1"):
        queue.put(entry[0], entry)
    assert queue.take() == "a1"
    queue.put("c", "c1")
    queue.put("a", "a3")
    assert taken(queue) == ["b1", "a2", "c1", "a3"]


def test_a_removed_entry_is_not_taken():
    queue = FairQueue(10, 10)
    for entry in ("a1", "b1", "b2"):
        queue.put(entry[0], entry)
    queue.remove("a1")
    queue.remove("b1")
    queue.remove("not there")
    assert len(queue) == 1
    assert taken(queue) == ["b2"]


def test_room_is_bounded_in_all_and_for_each():
    queue = FairQueue(3, 2)
    queue.put("a", "a1")
    queue.put("a", "a2")
    with pytest.raises(QueueFull, match="You have 2 files waiting"):
        queue.check_room("a")
    queue.check_room("b")
    queue.put("b", "b1")
    with pytest.raises(QueueFull, match="Too many files"):
        queue.check_room("c")
    queue.take()
    queue.check_room("c")
