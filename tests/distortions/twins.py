"""The slow, obvious twins of the distortion functions: NumPy formulas as the book of the method has them."""

from __future__ import annotations

import numpy as np

from opentsne_like import distortions as dist

PENALTIES = {  # the function, and its formula over weights and lengths
    dist.LinearPenalty(): lambda w, d: w * d,
    dist.QuadraticPenalty(): lambda w, d: w * d**2,
    dist.CubicPenalty(): lambda w, d: w * d**3,
    dist.PowerPenalty(1.7): lambda w, d: w * d**1.7,
    dist.HuberPenalty(0.5): lambda w, d: w * np.where(d < 0.5, d * d / 2, 0.5 * (d - 0.25)),
    dist.LogisticPenalty(1.0, 3.0): lambda w, d: w * np.log1p(np.exp(3 * (d - 1))),
    dist.SigmoidPenalty(1.0, 2.0): lambda w, d: w / (1 + np.exp(-2 * (d - 1))),
    dist.HingePenalty(1.0, 0.25): lambda w, d: np.maximum(0.0, w * (d - (1.0 - np.sign(w) * 0.25))),
    dist.Log1pPenalty(): lambda w, d: w * np.log1p(d**1.5),
    dist.Log1pPenalty(2.0): lambda w, d: w * np.log1p(d**2),
    dist.LogPenalty(): lambda w, d: w * np.log(1 - np.exp(-d)),
    dist.LogPenalty(2.0): lambda w, d: w * np.log(1 - np.exp(-(d**2))),
    dist.InvPowerPenalty(): lambda w, d: -w / d,
    dist.LogRatioPenalty(): lambda w, d: w * np.log(d**2 / (1 + d**2)),
    dist.PushAndPull(dist.Log1pPenalty(), dist.LogPenalty()): lambda w, d: (
        w * np.where(w >= 0, np.log1p(d**1.5), np.log(1 - np.exp(-d)))
    ),
}
DEVIATIONS = {  # over targets and lengths
    dist.AbsoluteDeviation(): lambda t, d: abs(d - t),
    dist.QuadraticDeviation(): lambda t, d: (d - t) ** 2,
    dist.CubicDeviation(): lambda t, d: abs(d - t) ** 3,
    dist.PowerDeviation(1.5): lambda t, d: abs(d - t) ** 1.5,
    dist.HuberDeviation(0.5): lambda t, d: np.where(abs(d - t) < 0.5, (d - t) ** 2, 0.5 * (2 * abs(d - t) - 0.5)),
    dist.LogisticDeviation(): lambda t, d: np.log1p(np.exp(abs(d - t))),
    dist.FractionalDeviation(): lambda t, d: np.maximum(t / d, d / t) - 1,
    dist.SoftFractionalDeviation(): lambda t, d: (np.logaddexp(10 * t / d, 10 * d / t) - np.log(2) - 10) / 10,
}
EVERY = {**PENALTIES, **DEVIATIONS}
