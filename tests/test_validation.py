"""The checks at the door: what passes, and what a refusal says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from opentsne_like import _validation as v
from opentsne_like.errors import InvalidParameterError, InvalidTypeError, OpenTSNEError


def refusal(function, *args, **kwargs):
    """Return the class and the message of the one error that the call raises."""
    with pytest.raises(OpenTSNEError) as caught:
        function(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return type(caught.value), message


def test_choice():
    assert v.check_choice("fft", "method", ["bh", "fft"]) == "fft"
    assert v.check_choice(None, "method", ["bh", None]) is None
    assert refusal(v.check_choice, "ffd", "method", ["bh", "fft"]) == (
        InvalidParameterError,
        "`method` must be one of 'bh', 'fft', got 'ffd'; did you mean 'fft'?",
    )
    assert refusal(v.check_choice, "what", "method", ["bh", 3])[1] == "`method` must be one of 'bh', 3, got 'what'"


def test_choice_survives_arrays():
    kind, message = refusal(v.check_choice, np.zeros(1000), "method", ["bh", True])
    assert kind is InvalidParameterError
    assert len(message) < 150


@pytest.mark.parametrize("value", [3, 3.5, np.float32(1.5), np.int64(2), np.float64(1e-300)])
def test_real_accepts_numbers(value):
    number = v.check_real(value, "theta", above=0)
    assert type(number) is float
    assert number == value


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (-3, {"above": 0}, "`p` must be positive, got -3"),
        (0, {"above": 0}, "`p` must be positive, got 0"),
        (1, {"above": 1}, "`p` must be above 1, got 1"),
        (-1, {"at_least": 0}, "`p` must be at least 0, got -1"),
        (1.0, {"below": 1}, "`p` must be below 1, got 1.0"),
        (2, {"at_most": 1.5}, "`p` must be at most 1.5, got 2"),
        (float("nan"), {}, "`p` must be finite, got nan"),
        (float("-inf"), {"below": 1}, "`p` must be finite, got -inf"),
    ],
)
def test_real_refuses_values(value, bounds, message):
    assert refusal(v.check_real, value, "p", **bounds) == (InvalidParameterError, message)


@pytest.mark.parametrize("value", ["3", None, True, [1.0], 1 + 0j, np.array([1.0]), np.True_])
def test_real_refuses_types(value):
    kind, message = refusal(v.check_real, value, "p")
    assert kind is InvalidTypeError
    assert message.startswith("`p` must be a number, got ")


@pytest.mark.parametrize("value", [7, 7.0, np.int32(7), np.float32(7), np.uint8(7)])
def test_integer_accepts_whole_numbers(value):
    number = v.check_integer(value, "k", at_least=7, at_most=7)
    assert type(number) is int
    assert number == 7


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (7.5, InvalidParameterError, "`k` must be an integer, got 7.5"),
        (float("nan"), InvalidParameterError, "`k` must be an integer, got nan"),
        (float("inf"), InvalidParameterError, "`k` must be an integer, got inf"),
        ("7", InvalidTypeError, "`k` must be an integer, got '7'"),
        (True, InvalidTypeError, "`k` must be an integer, got True"),
        (None, InvalidTypeError, "`k` must be an integer, got None"),
        (0, InvalidParameterError, "`k` must be at least 1, got 0"),
        (11, InvalidParameterError, "`k` must be at most 10, got 11"),
    ],
)
def test_integer_refuses(value, kind, message):
    assert refusal(v.check_integer, value, "k", at_least=1, at_most=10) == (kind, message)


@pytest.mark.parametrize(("given", "meant"), [(None, -1), (-1, -1), (-3, -3), (4, 4), (2.0, 2)])
def test_n_jobs(given, meant):
    assert v.check_n_jobs(given) == meant


def test_n_jobs_refuses():
    assert refusal(v.check_n_jobs, 0)[1] == "`n_jobs` must be positive or negative (-1: all cores), got 0"
    assert refusal(v.check_n_jobs, "all")[0] is InvalidTypeError


def test_random_state_from_a_seed():
    draws = [v.check_random_state(seed).randint(2**31) for seed in (7, np.int64(7), 7.0)]
    assert len(set(draws)) == 1
    assert v.check_random_state(8).randint(2**31) != draws[0]


def test_random_state_passes_states_on():
    state = np.random.RandomState(1)
    assert v.check_random_state(state) is state
    assert v.check_random_state(np.random).randint(10) in range(10)


def test_random_state_from_a_generator_moves_on():
    generator = np.random.default_rng(3)
    first, second = (v.check_random_state(generator).randint(2**31) for _ in range(2))
    assert first != second
    assert v.check_random_state(np.random.default_rng(3)).randint(2**31) == first


def test_random_state_none_is_fresh():
    assert v.check_random_state(None).randint(2**31) != v.check_random_state(None).randint(2**31)


@pytest.mark.parametrize("bad", [-1, 2**32, 1.5, "seed", [1]])
def test_random_state_refuses(bad):
    assert "`random_state`" in refusal(v.check_random_state, bad)[1]


@pytest.mark.parametrize(
    ("given", "worked_in"),
    [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("i4", "f8"), ("u1", "f8"), ("?", "f8"), (">f4", "f4"), ("g", "f8")],
)
def test_matrix_types(given, worked_in):
    X = np.array([[0, 1], [1, 0], [1, 1]], dtype=given)
    array = v.check_matrix(X)
    assert array.dtype == np.dtype(worked_in)
    np.testing.assert_array_equal(array, X.astype(worked_in))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matrix_is_not_copied_without_need(dtype):
    for X in (np.ones((3, 2), dtype), np.asfortranarray(np.ones((3, 2), dtype)), np.ones((6, 2), dtype)[::2]):
        X.setflags(write=False)
        assert np.shares_memory(v.check_matrix(X), X)


def test_matrix_reads_memory_maps_without_copying(tmp_path):
    np.save(tmp_path / "X.npy", np.ones((5, 3)))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.shares_memory(v.check_matrix(X), X)


def test_matrix_accepts_lists_and_frames():
    pandas = pytest.importorskip("pandas")
    rows = [[1, 2.5], [3, 4]]
    frame = pandas.DataFrame(rows, columns=["a", "b"])
    mixed = pandas.DataFrame({"a": [1, 3], "b": np.array([2.5, 4], dtype=object)})
    for X in (rows, tuple(map(tuple, rows)), frame, mixed):
        np.testing.assert_array_equal(v.check_matrix(X), rows)


@pytest.mark.parametrize(
    ("X", "kind", "message"),
    [
        (
            [1.0, 2.0],
            InvalidParameterError,
            "two-dimensional (samples, features), got shape (2,); use X.resh",
        ),
        (np.zeros((2, 2, 2)), InvalidParameterError, "two-dimensional (samples, features), got shape (2, 2, 2)"),
        (3.0, InvalidParameterError, "two-dimensional (samples, features), got shape ()"),
        (None, InvalidTypeError, "an array of numbers, got None"),
        ([], InvalidParameterError, "two-dimensional"),
        (np.zeros((0, 3)), InvalidParameterError, "at least 2 rows and 1 column, got shape (0, 3)"),
        (np.zeros((1, 3)), InvalidParameterError, "at least 2 rows and 1 column, got shape (1, 3)"),
        (np.zeros((3, 0)), InvalidParameterError, "at least 2 rows and 1 column, got shape (3, 0)"),
        ([["a", "b"], ["c", "d"]], InvalidTypeError, "numeric, got the text 'a' in row 0, column 0; leave it out or"),
        ([[1, "b"], [2, "d"]], InvalidTypeError, "numeric, got the text '1' in row 0, column 0"),
        (np.array([[1], [object()]]), InvalidTypeError, "numeric, got <object object at"),
        (np.zeros((2, 2), complex), InvalidTypeError, "numeric, got dtype complex128"),
        (np.zeros((2, 2), "M8[s]"), InvalidTypeError, "numeric, got dtype datetime64[s]"),
        ([[1, 2], [3]], InvalidParameterError, "a rectangular table of numbers, got rows of different length"),
        ([[1, 2], [3, np.nan]], InvalidParameterError, "finite, got nan in row 1, column 1; remove or impute"),
        ([[1, -np.inf], [3, 4]], InvalidParameterError, "finite, got -inf in row 0, column 1; remove or impute"),
    ],
)
def test_matrix_refuses(X, kind, message):
    caught, said = refusal(v.check_matrix, X, at_least_rows=2)
    assert caught is kind
    assert said.startswith(("`X` must be ", "`X` must have "))
    assert message in said


def test_matrix_names_the_row_in_any_block():
    X = np.zeros((5_000_000, 1), np.float32)
    X[4_999_998] = np.nan
    assert "row 4999998, column 0" in refusal(v.check_matrix, X)[1]


def test_matrix_checks_the_number_of_columns():
    assert v.check_matrix(np.zeros((2, 3)), n_columns=3).shape == (2, 3)
    assert refusal(v.check_matrix, np.zeros((2, 3)), "X_new", n_columns=4)[1] == (
        "`X_new` must have 4 columns, got shape (2, 3)"
    )


def test_matrix_sparse():
    X = sparse.csc_matrix(np.eye(3, dtype=np.int64))
    assert refusal(v.check_matrix, X) == (
        InvalidTypeError,
        "`X` must be a dense array, got a sparse matrix; pass X.toarray()",
    )
    accepted = v.check_matrix(X, accept_sparse=True)
    assert accepted.format == "csr"
    assert accepted.dtype == np.float64
    assert X.dtype == np.int64
    X = sparse.csr_matrix([[0, np.nan], [1, 0]])
    assert "must be finite" in refusal(v.check_matrix, X, accept_sparse=True)[1]


def test_errors_are_builtins_too():
    from opentsne_like import errors

    for name, builtin in {
        "InvalidParameterError": ValueError,
        "InvalidTypeError": TypeError,
        "MissingDependencyError": ImportError,
        "StorageError": ValueError,
        "DetachedError": RuntimeError,
        "NumericalError": ArithmeticError,
        "OptimizationInterrupt": InterruptedError,
    }.items():
        assert issubclass(getattr(errors, name), builtin)
        assert issubclass(getattr(errors, name), errors.OpenTSNEError)
    stop = errors.OptimizationInterrupt(1.25, "map")
    assert (stop.error, stop.final_embedding) == (1.25, "map")
    assert str(stop) == "the optimization was stopped by a callback at KL divergence 1.2500"


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_matrix])
@pytest.mark.parametrize("place", [10**9, -1])
def test_matrix_refuses_sparse_indices_out_of_range(form, place):
    X = form(np.eye(3))
    (X.col if X.format == "coo" else X.indices)[1] = place
    kind, message = refusal(v.check_matrix, X, "data", accept_sparse=True)
    assert kind is InvalidParameterError
    assert message.startswith("`data` must be a consistent sparse matrix, got one with: ")


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("ends", [0, -1, -(10**6)])
def test_matrix_refuses_sparse_pointers_that_hide_what_they_point_to(form, ends):
    X = form(np.eye(5))
    X.indptr[1:-1] = 10**7
    X.indptr[-1] = ends
    kind, message = refusal(v.check_matrix, X, "data", accept_sparse=True)
    assert kind is InvalidParameterError
    assert message.startswith("`data` must be a consistent sparse matrix, got one with: ")


def test_room_that_is_not_used_is_no_fault_of_a_sparse_matrix():
    X = sparse.csr_matrix(np.eye(3))
    X.data, X.indices = np.append(X.data, 7.0), np.append(X.indices, 99).astype(X.indices.dtype)
    np.testing.assert_array_equal(v.check_matrix(X, accept_sparse=True).toarray(), np.eye(3))


PARTS = {"data": np.ones(3), "indices": np.array([0, 1, 2]), "indptr": np.array([0, 2, 2, 3]), "shape": (3, 4)}


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("shape", (3,), "a shape of two whole numbers"),
        ("shape", (3, -4), "a shape of two whole numbers"),
        ("shape", (3.0, 4.0), "a shape of two whole numbers"),
        ("shape", (3, 10**400), "a shape of two whole numbers"),
        ("shape", (2, 4), "an `indptr` of 3 numbers"),
        ("shape", (2**62, 4), "an `indptr` of"),
        ("shape", (3, 2), "column indices from 0 to 1, got 0 to 2"),
        ("data", np.ones(2), "for 2 values"),
        ("data", np.ones((3, 1)), "a flat `data` of numbers"),
        ("data", np.array([None] * 3), "a flat `data` of numbers"),
        ("indices", np.array([0.0, 1.0, 2.0]), "a flat `indices` of integers"),
        ("indices", np.array([True, False, True]), "a flat `indices` of integers"),
        ("indices", np.array([0, 1, -1]), "column indices"),
        ("indices", np.array([0, 1, 2**64 - 1], dtype=np.uint64), "column indices"),
        ("indptr", np.array([0.0, 2.0, 2.0, 3.0]), "a flat `indptr` of integers"),
        ("indptr", np.zeros(0, int), "an `indptr` of 4 numbers"),
        ("indptr", np.array([1, 2, 2, 3]), "an `indptr` of"),
        ("indptr", np.array([0, 2, 2, 2]), "an `indptr` of"),
        ("indptr", np.array([0, 10**7, 10**7, 0]), "an `indptr` of"),
        ("indptr", np.array([0, 3, 2, 3]), "never falls"),
        ("indptr", np.array([0, 2**31 - 1, -(2**31), 3], dtype=np.int32), "never falls"),
        ("indptr", np.array([0, 2**64 - 1, 1, 3], dtype=np.uint64), "never falls"),
    ],
)
def test_parts_of_a_sparse_matrix_that_do_not_fit_together_are_refused(part, value, message):
    assert v.check_csr_parts(**PARTS, name="P") == (3, 4)
    kind, text = refusal(v.check_csr_parts, **{**PARTS, part: value}, name="P")
    assert kind is InvalidParameterError
    assert text.startswith("`P` must have ")
    assert message in text


def test_matrix_names_the_row_and_column_of_a_sparse_nan():
    X = sparse.csr_array(np.diag([1.0, 2.0, 3.0, 4.0]) + np.eye(4, k=-1))
    X.data[3] = np.nan
    assert refusal(v.check_matrix, X, "X", accept_sparse=True)[1] == (
        "`X` must be finite, got nan in row 2, column 1; remove or impute such values"
    )


def test_matrix_refuses_a_sparse_vector():
    kind, message = refusal(v.check_matrix, sparse.coo_array(np.ones(3)), accept_sparse=True)
    assert kind is InvalidParameterError
    assert message.startswith("`X` must be two-dimensional (samples, features), got shape (3,)")


@pytest.mark.parametrize("n_jobs", [2**15 + 1, -(2**31), 10**400])
def test_numbers_of_threads_beyond_any_machine_are_refused(n_jobs):
    assert v.check_n_jobs(2**15) == 2**15
    kind, message = refusal(v.check_n_jobs, n_jobs)
    assert kind is InvalidParameterError
    assert message.startswith("`n_jobs` must be at ")


def test_integers_of_any_size_are_refused_in_a_line():
    for number in (10**400, 10**5000, -(10**400)):
        for check, bounds in ((v.check_real, {}), (v.check_integer, {"at_least": 0, "at_most": 9})):
            kind, message = refusal(check, number, "width", **bounds)
            assert kind is InvalidParameterError
            assert message.startswith("`width` must be ")
            assert len(message) < 120
