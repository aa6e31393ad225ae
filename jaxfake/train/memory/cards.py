"""Cards that one can rent: their memory and their data sheets.

Figures are the vendors' (dense, no sparsity); the link is what PCI Express of that generation moves in
practice, about 0.8 of its nominal rate.
"""

from typing import NamedTuple

GIB = 2**30


class Card(NamedTuple):
    """A device by its data sheet."""

    name: str
    memory: int  # bytes
    flops_float32: (
        float  # a second, as XLA computes float32 by default (TF32 where there is such a thing)
    )
    flops_bfloat16: float  # float16 on a T4, which has no bfloat16
    bandwidth: float  # bytes a second, of its memory
    link: float  # bytes a second, each way

    @property
    def words(self) -> str:
        """What its name has in it as a driver reports it."""
        return self.name.lower().split(" ")[-3]


CARDS = (
    Card("T4 16 GB", 15 * GIB, 8.1e12, 65e12, 320e9, 12e9),
    Card("RTX 4090 24 GB", 24 * GIB, 83e12, 165e12, 1008e9, 25e9),
    Card("A100 40 GB", 40 * GIB, 156e12, 312e12, 1555e9, 25e9),
    Card("A100 80 GB", 80 * GIB, 156e12, 312e12, 2039e9, 25e9),
    Card("H100 80 GB", 80 * GIB, 495e12, 989e12, 3350e9, 50e9),
    Card("H200 141 GB", 141 * GIB, 495e12, 989e12, 4800e9, 50e9),
)
