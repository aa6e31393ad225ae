"""The lines about what the files alone tell."""

from jaxfake.data.preparation.source_facts.attributes import FileAttributes
from jaxfake.evaluation.evidence.confounds import TOGETHER, by_split
from jaxfake.reporting.confounds_text import IN_WORDS, table
from tests.evaluation.evidence.test_confounds import source


def test_every_attribute_has_words():
    assert set(IN_WORDS) == {*FileAttributes._fields, TOGETHER}


def test_the_table_has_a_column_for_each_split_and_ends_with_the_warning():
    sources = [
        source(n, n % 2, ("train", "val", "test")[n % 3], file_bytes=float(n % 2), pixels=float(n))
        for n in range(60)
    ]
    title, header, *rows = table(by_split(sources))
    assert "AUC" in title
    assert header.split() == ["all", "train", "val", "test"]
    assert rows[0].startswith("file size")
    assert rows[0].split("  ")[-1].startswith("1.00 (")
    assert rows[-2].startswith("all together")
    assert rows[-1].startswith("Warning: the files alone tell real from fake")


def test_without_both_classes_there_is_no_table():
    assert table({}) == []
    assert table(by_split([source(n, 0, pixels=float(n)) for n in range(5)])) == []
