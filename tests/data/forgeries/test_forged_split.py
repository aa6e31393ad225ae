"""A split to select by: the real faces and a forgery of each, the same whenever it is read."""

import numpy as np

from jaxfake import schema
from jaxfake.data.forgeries.forged_split import forged_split
from jaxfake.data.forgeries.forgery import ALL_GUARDS, KINDS, Forgery, Guards

ALL = tuple(Forgery(kind, 1 / len(KINDS), 1.0) for kind in KINDS)


def test_every_real_face_has_one_forgery_and_no_other_fake_is_there(train):
    forged, forger = forged_split(train, ALL, 0, ALL_GUARDS)
    rows, half = forger.forgeable.rows, len(forger.forgeable.rows)
    assert len(forged) == 2 * half == len(forged.index.label)
    assert forged.index.label.tolist() == [schema.REAL] * half + [schema.FAKE] * half
    for place, row in enumerate(rows.tolist()):
        real, fake, stored = forged[place], forged[half + place], train[row]
        outside = fake.forgery_mask == 0
        np.testing.assert_array_equal(fake.image[outside], stored.image[outside])
        assert 0 < outside.mean() < 1
        assert (real.video_id, fake.video_id) == (stored.video_id, stored.video_id)
        assert fake.method == forged.index.method[half + place]
        assert not real.forgery_mask.any()


def test_kinds_have_exactly_their_shares(train):
    mixture = (Forgery("twin", 0.5, 1.0), Forgery("self_blend", 0.25, 1.0))
    forged, _ = forged_split(train, mixture, 0, ALL_GUARDS)
    kinds = forged.index.method[forged.index.label == schema.FAKE].tolist()
    assert kinds.count("twin") == 2 * kinds.count("self_blend") == 16


def test_it_is_the_same_again_and_other_splits_and_seeds_draw_otherwise(train):
    mixture = (Forgery("self_blend", 1.0, 1.0),)
    (one, _), (again, _), (other, _) = (
        forged_split(train, mixture, seed, Guards(self_blended=0.0)) for seed in (0, 0, 1)
    )
    fake = len(one) - 1
    np.testing.assert_array_equal(one[fake].image, again[fake].image)
    assert not np.array_equal(one[fake].image, other[fake].image)
    np.testing.assert_array_equal(one[0].image, other[0].image)
