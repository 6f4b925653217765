"""The helpers that scripts for openTSNE import."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from opentsne_like.utils import Timer, clip_point_to_disc, is_package_installed


def test_points_outside_the_disc_go_to_its_rim(rng):
    points = rng.normal(scale=3, size=(200, 2))
    before = points.copy()
    clipped, outside = clip_point_to_disc(points, 2.5)
    np.testing.assert_array_equal(points, before)
    np.testing.assert_array_equal(outside, np.linalg.norm(points, axis=1) > 2.5)
    np.testing.assert_array_equal(clipped[~outside], points[~outside])
    np.testing.assert_allclose(np.linalg.norm(clipped[outside], axis=1), 2.5)
    np.testing.assert_allclose(np.arctan2(*clipped.T), np.arctan2(*points.T))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_clipping_in_place_and_in_any_dimension(rng, dims):
    points = rng.normal(scale=3, size=(50, dims))
    clipped, outside = clip_point_to_disc(points, 1.0, inplace=True)
    assert clipped is points
    assert outside.any()
    assert np.linalg.norm(points, axis=1).max() <= 1 + 1e-12


def test_the_center_stays_where_it_is():
    clipped, outside = clip_point_to_disc(np.zeros((2, 2)), 1.0)
    assert not outside.any()
    assert not clipped.any()


def test_timer_tells_and_measures(capsys):
    with Timer("Waiting...", verbose=True) as timer:
        time.sleep(0.01)
    assert timer.seconds >= 0.01
    assert capsys.readouterr().out.startswith("===> Waiting...\n   --> Time elapsed: 0.0")
    with Timer("Waiting..."):
        pass
    assert capsys.readouterr().out == ""


def test_timer_lets_exceptions_through():
    with pytest.raises(KeyError), Timer("Failing..."):
        raise KeyError


def test_installed_packages_are_found_without_importing_them():
    assert is_package_installed("numpy")
    assert is_package_installed("numpy.linalg")
    assert not is_package_installed("no_such_package")
    assert not is_package_installed("no_such_package.part")
    before = set(sys.modules)
    assert is_package_installed("antigravity")
    assert set(sys.modules) == before
