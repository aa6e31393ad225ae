"""Strips for tests of the report."""

from jaxfake.reporting.strips import Strip


def strips_of(dataset, rows):
    return {
        title: [
            Strip(dataset.name(int(row)), 0.5, ("input",), dataset[row].image) for row in chosen
        ]
        for title, chosen in rows.items()
    }
