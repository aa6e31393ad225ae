"""Labels and scores drawn by Hypothesis."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


@st.composite
def labelled_scores(draw, special, others, most):
    """Labels of both classes, and scores with many ties: of `special` values or of `others`."""
    labels = draw(hnp.arrays(np.int32, st.integers(2, most), elements=st.integers(0, 1)))
    labels[:2] = 0, 1
    levels = st.one_of(special, others)
    return labels, draw(hnp.arrays(np.float64, len(labels), elements=levels))


ANY_SCORES = labelled_scores(st.integers(0, 3), st.floats(-1e6, 1e6, width=32), 30)
PROBABILITIES = labelled_scores(
    st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1, width=32), 40
)
