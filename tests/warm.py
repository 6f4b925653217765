"""One map, made where this is imported: in the process that others are forked from, which inherit no thread."""

from .test_contract import N, data, estimator

estimator("t-SNE", n_jobs=1).fit(data()[:N])
