"""The generator against NumPy's Philox, a Philox written out here, SciPy's normal distribution, and for ever itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg import randomness
from thalweg.errors import InputError
from thalweg.randomness import PURPOSES, bits, choice, mask, normal, permutation, uniform


DRAWS = {
    "bits": bits, "uniform": uniform, "normal": normal, "permutation": permutation, "choice": choice,
    "mask": lambda *given, **place: mask(*given, keep=0.5, **place),
}  # fmt: skip


def philox(counter, key):
    """One block of Philox4x64-10 as Salmon et al. (2011) define it, on Python's whole numbers."""
    low = 2**64 - 1
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (p1 >> 64) ^ c1 ^ k0, p1 & low, (p0 >> 64) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & low, (k1 + 0xBB67AE8584CAA73B) & low
    return [c0, c1, c2, c3]


def test_the_philox_written_out_here_gives_the_authors_known_answers():
    # Random123 1.14, tests/kat_vectors, lines "philox4x64 10".
    assert philox((0, 0, 0, 0), (0, 0)) == [
        0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B,
    ]  # fmt: skip
    ones = 2**64 - 1
    assert philox((ones,) * 4, (ones,) * 2) == [
        0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0,
    ]  # fmt: skip


@given(
    seed=st.integers(0, 2**64 - 1),
    purpose=st.sampled_from(sorted(PURPOSES)),
    n=st.integers(1, 23),
    epoch=st.integers(0, 2**40),
    step=st.integers(0, 2**40),
)
def test_words_are_philox_of_key_and_counter(seed, purpose, n, epoch, step):
    blocks = [philox((block, step, epoch, 0), (seed, PURPOSES[purpose])) for block in range(1, (n + 3) // 4 + 1)]
    assert bits(seed, purpose, n, epoch=epoch, step=step).tolist() == sum(blocks, [])[:n]


def test_words_are_numpys_documented_generator():
    generator = np.random.Philox(key=[7, PURPOSES["order"]], counter=[0, 3, 2, 0])
    assert np.array_equal(bits(7, "order", 13, epoch=2, step=3), generator.random_raw(13))


def test_what_a_seed_gives_never_changes():
    assert [hex(word) for word in bits(2**64 - 1, "dropout", 5, epoch=7, step=11)] == [
        "0x6ec04565c4ee2ca3", "0x2f56ee21e4abdb31", "0x182ed75015cb41ca", "0x69d962f72758960f", "0xfbb2c1c03b946ace",
    ]  # fmt: skip
    assert uniform(13, "initialize", 3).tolist() == [0.2166437240995217, 0.6482910120088382, 0.45430010630955187]
    assert normal(13, "initialize", 7, step=2).tolist() == [
        -1.9461634851986673, 0.32479825275913754, -0.39182077702844254, -0.14424429984774179, -0.0018259174275954138,
        0.5715638411329564, -1.2905448197343503,
    ]  # fmt: skip
    assert permutation(13, "order", 11, epoch=3).tolist() == [5, 6, 3, 7, 10, 4, 1, 9, 8, 0, 2]
    assert choice(13, "order", 11, epoch=3).tolist() == [10, 7, 10, 3, 5, 1, 2, 3, 8, 7, 4]
    assert mask(13, "dropout", 11, keep=0.6, epoch=1, step=4).astype(int).tolist() == [0, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1]


def test_the_numbers_of_the_purposes_never_change():
    known = {"initialize": 1, "order": 2, "dropout": 3, "holdout": 4, "validation": 5, "demo": 6, "importance": 7}
    assert known.items() <= PURPOSES.items()
    assert len(set(PURPOSES.values())) == len(PURPOSES)


@pytest.mark.parametrize("name", DRAWS)
def test_streams_differ_by_seed_purpose_epoch_and_step(name):
    draw, n = DRAWS[name], 97
    places = [
        (seed, purpose, epoch, step)
        for seed in (0, 1, 2**63)
        for purpose in PURPOSES
        for epoch in (0, 1)
        for step in (0, 1)
    ]
    streams = {tuple(draw(seed, purpose, n, epoch=epoch, step=step).tolist()) for seed, purpose, epoch, step in places}
    assert len(streams) == len(places) == 3 * len(PURPOSES) * 4


@pytest.mark.parametrize("name", DRAWS)
def test_the_same_place_gives_the_same_and_nothing_is_remembered(name):
    first = DRAWS[name](3, "order", 31, epoch=5)
    DRAWS[name](3, "order", 7)
    assert np.array_equal(DRAWS[name](3, "order", 31, epoch=5), first)


@pytest.mark.parametrize("name", ["bits", "uniform", "normal", "mask"])
def test_a_longer_stream_begins_with_the_shorter(name):
    assert np.array_equal(DRAWS[name](3, "order", 31)[:17], DRAWS[name](3, "order", 17))


@given(seed=st.integers(0, 2**64 - 1), n=st.integers(1, 97), epoch=st.integers(0, 1000))
def test_a_permutation_has_each_row_once(seed, n, epoch):
    order = permutation(seed, "order", n, epoch=epoch)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))


def test_every_permutation_of_three_is_as_likely():
    seen = [tuple(permutation(0, "order", 3, epoch=epoch).tolist()) for epoch in range(6000)]
    counts = np.unique(seen, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5  # chi-squared with 5 degrees of freedom: 1 in 1000


@given(seed=st.integers(0, 2**64 - 1), n=st.integers(1, 97))
def test_a_choice_stays_within_the_rows(seed, n):
    drawn = choice(seed, "order", n)
    assert drawn.dtype == np.int64 and len(drawn) == n
    assert drawn.min() >= 0 and drawn.max() < n


def test_a_choice_takes_every_row_as_often():
    drawn = np.concatenate([choice(1, "order", 7, epoch=epoch) for epoch in range(2000)])
    counts = np.bincount(drawn, minlength=7)
    assert ((counts - 2000) ** 2 / 2000).sum() < 22.5  # chi-squared with 6 degrees of freedom: 1 in 1000


def test_uniform_numbers_are_the_upper_bits():
    words = bits(5, "demo", 1009)
    u = uniform(5, "demo", 1009)
    assert u.tolist() == [(int(word) >> 11) / 2**53 for word in words]
    assert 0.0 <= u.min() and u.max() < 1.0
    assert abs(u.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 1009)


def test_normal_numbers_are_the_inverse_distribution_function():
    from scipy.special import ndtri

    n = 100_003
    z = normal(0, "demo", n)
    exact = ndtri(uniform(0, "demo", n) + 2.0**-54)
    np.testing.assert_allclose(z, exact, rtol=0, atol=2.0**-40)
    assert np.array_equal(z * 2.0**40, np.round(z * 2.0**40))
    assert np.abs(z).max() > 4.0  # the tails are reached, and so the rational approximation of the middle
    assert abs(z.mean()) < 4 / np.sqrt(n) and abs(z.std() - 1.0) < 4 / np.sqrt(2 * n)


@pytest.mark.parametrize(
    "word", [0, 1 << 11, 2**64 - 1, 2**64 - 2**11 - 1, 2**63, 2**63 - 1, 1 << 20, 1 << 30, 1 << 40, 2**64 - (1 << 40)]
)
def test_normal_numbers_are_right_to_the_very_ends(word, monkeypatch):
    """The rarest words, which no sample meets: both ends, and the region where the last approximation is used."""
    from scipy.special import ndtri

    monkeypatch.setattr(randomness, "bits", lambda *place, **more: np.array([word], dtype=np.uint64))
    k = word >> 11
    tail = min(2 * k + 1, 2**54 - 2 * k - 1) / 2**54  # exact: the smaller of the two sides of the middle of the cell
    exact = float(ndtri(tail)) * (-1.0 if k >= 2**52 else 1.0)
    assert float(normal(0, "demo", 1)[0]) == pytest.approx(exact, abs=2.0**-40)


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_mask_keeps_its_share(keep):
    n = 20_011
    kept = mask(2, "dropout", n, keep=keep)
    assert kept.dtype == bool and kept.shape == (n,)
    assert abs(kept.mean() - keep) <= 4 * np.sqrt(keep * (1 - keep) / n)


def test_a_mask_spends_the_lower_half_of_a_word_first():
    words = [int(word) for word in bits(2, "dropout", 3)]
    halves = [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)]
    assert mask(2, "dropout", 5, keep=0.25).tolist() == [half < 2**30 for half in halves[:5]]


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "0", None, True])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(InputError, match=r"seed must be a whole number from 0 to 2\*\*64 - 1, not "):
        bits(seed, "order", 1)


def test_seeds_of_numpy_are_seeds():
    assert np.array_equal(bits(np.int64(5), "order", 3), bits(5, "order", 3))  # pyright: ignore[reportArgumentType]
    assert len(bits(2**64 - 1, "order", 0)) == 0
