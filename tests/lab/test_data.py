"""Digits are fitted as MNIST was, and split so that nothing is learned from the test."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whyshape.errors import WhyshapeError
from whyshape.lab import data
from whyshape.lab.fit import fitted


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 60), st.integers(1, 60))
def test_fitting_fills_the_box_and_centres_the_mass(seed, height, width):
    """The longer side of the ink becomes 20 and its centre of mass lies within half a pixel of the middle."""
    image = np.random.default_rng(seed).random((height, width)) + 0.01
    out = fitted(np.pad(image, 5))
    rows, columns = np.flatnonzero(out.any(1)), np.flatnonzero(out.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    for axis in (0, 1):
        centre = (out.sum(1 - axis) @ (np.arange(28) + 0.5)) / out.sum()
        room = 28 - (np.ptp((rows, columns)[axis]) + 1)
        assert abs(centre - 14) <= 0.5 + 1e-5 or room == 0


def test_where_it_was_drawn_does_not_matter():
    """The same strokes in another corner give the same 28 x 28."""
    stroke = np.random.default_rng(1).random((9, 5))
    one, other = np.zeros((40, 40)), np.zeros((40, 40))
    one[2:11, 3:8], other[28:37, 30:35] = stroke, stroke
    assert np.array_equal(fitted(one), fitted(other))
    assert not np.array_equal(fitted(one, centring=False), fitted(other, centring=False))


def test_an_empty_drawing_stays_empty():
    """No ink, no centre of mass, no crash."""
    assert fitted(np.zeros((280, 280))).shape == (28, 28)
    assert not fitted(np.zeros((5, 5))).any()


def test_resizing_agrees_with_pillow():
    """The triangle filter is Pillow's bilinear one, in both directions."""
    image_module = pytest.importorskip("PIL.Image")
    from whyshape.lab.fit import resized

    image = np.random.default_rng(0).random((17, 23)).astype(np.float32)
    for height, width in [(40, 31), (5, 9), (17, 23)]:
        theirs = np.asarray(image_module.fromarray(image).resize((width, height), image_module.Resampling.BILINEAR))
        np.testing.assert_allclose(resized(image, height, width), theirs, atol=2e-6)


def test_each_sheet_begins_with_the_same_text():
    """The sheets are real: at each of the 14 starts somebody begins '0 1 .. 9' anew, and they cover everything once."""
    from sklearn.datasets import load_digits

    labels = load_digits().target
    assert (data.SHEETS[0], data.SHEETS[-1]) == (0, len(labels))
    jumble = [0, 9, 5, 5, 6, 5, 0, 9]  # what stands after the third "0 1 .. 9" of every sheet
    places = [i for i in range(len(labels)) if list(labels[i : i + 8]) == jumble]
    assert [place - 30 for place in places] == list(data.SHEETS[:-1])


def test_the_parts_share_no_image_and_no_sheet(digits):
    """No picture stands in two parts, and together they are all 1,797."""
    parts = [digits.train, digits.validation, digits.test]
    pictures = [{image.tobytes() for image in part.pixels} for part in parts]
    assert [len(part) for part in parts] == [1298, 117, 382]
    assert not (pictures[0] & pictures[1] or pictures[0] & pictures[2] or pictures[1] & pictures[2])


def test_no_hand_of_the_test_was_seen_in_training(digits):
    """The test is the last three sheets, whole; the rest is training and validation."""
    from sklearn.datasets import load_digits

    images = [np.rint(fitted(image / 16) * 255).astype(np.uint8).tobytes() for image in load_digits().images]
    assert [image.tobytes() for image in digits.test.pixels] == images[data.SHEETS[11] :]
    learned = {image.tobytes() for part in (digits.train, digits.validation) for image in part.pixels}
    assert learned == set(images[: data.SHEETS[11]])


def test_mean_and_std_come_from_the_training_part(digits):
    """The training images end with mean 0 and spread 1; the test images do not."""
    train, _ = digits.tensors(digits.train)
    test, _ = digits.tensors(digits.test)
    assert abs(train.mean()) < 1e-5 and abs(train.std(correction=0) - 1) < 1e-5
    assert abs(test.mean()) > 1e-4
    assert train.dtype == torch.float32 and train.shape == (1298, 1, 28, 28)


def test_training_images_that_stand_in_the_test_are_left_out():
    """A picture that is in both parts is not learned from."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 28, 28), dtype=np.uint8)
    labels = np.arange(24, dtype=np.uint8) % 10
    split = data.mnist("made", pixels, labels, pixels[:4], labels[:4])
    assert (len(split.train), len(split.validation), len(split.test)) == (19, 1, 4)
    assert split.split == "1 of 20 training images set aside for validation; 4 left out as also in test"
    learned = {image.tobytes() for part in (split.train, split.validation) for image in part.pixels}
    assert not learned & {image.tobytes() for image in split.test.pixels}


def test_all_training_images_in_the_test_is_a_sentence():
    """Nothing left to learn from."""
    pixels, labels = np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.uint8)
    with pytest.raises(WhyshapeError) as problem:
        data.mnist("made", pixels, labels, pixels, labels)
    assert str(problem.value) == "0 training images are left once those of the test are put aside: too few"


def test_openml_gives_mnist_s_own_split(monkeypatch):
    """The first 60,000 are training; the loader is scikit-learn's (replaced here: no network in tests)."""
    import sklearn.datasets

    class Bundle:
        data = np.random.default_rng(0).integers(0, 256, (60_020, 784))
        target = np.array([str(i % 10) for i in range(60_020)])

    asked = {}
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda name, **how: asked.update(name=name) or Bundle)
    split = data.load("mnist")
    assert asked["name"] == "mnist_784"
    assert (len(split.train), len(split.validation), len(split.test)) == (55_000, 5_000, 20)
    assert split.test.labels.tolist() == [i % 10 for i in range(60_000, 60_020)]


def test_no_network_is_a_sentence(monkeypatch):
    """What to do without OpenML."""
    import sklearn.datasets

    def refuse(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", refuse)
    with pytest.raises(WhyshapeError) as problem:
        data.load("mnist")
    assert str(problem.value) == ("MNIST could not be fetched from OpenML (no route); give a folder with the four IDX files instead")
