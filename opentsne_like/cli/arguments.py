"""What can be said on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from .. import __version__

TABLES = ".npy, .npz, .csv, .tsv (also .gz, .bz2, .xz) or .parquet"


class Parser(argparse.ArgumentParser):
    """A parser whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        """Print the error and leave with status 2."""
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}; see {self.prog} --help\n")


def make_parser(program: str) -> Parser:
    """Return the parser of all commands.

    Parameters
    ----------
    program : str
        How the program is called.

    Returns
    -------
    argparse.ArgumentParser
        Each command leaves its name in `command`, and in `after_interrupt` what to say after Ctrl-C.
    """
    parser = Parser(prog=program, description="t-SNE maps of data: fast, exact and reproducible.")
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands.add_parser("demo", help="embed scikit-learn's handwritten digits, to see that all works"))
    _add_embed(commands.add_parser("embed", help="make a map of a table"))
    _add_transform(commands.add_parser("transform", help="place new rows on a map"))
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.description = "Embed the 1,797 digits of scikit-learn; write digits.npz and digits.png."
    parser.add_argument("--out-dir", default=".", metavar="FOLDER", help="where to write (default: here)")
    parser.add_argument("--n-jobs", type=int, default=-1, metavar="N", help="threads, -1 for all cores (default)")
    _add_quiet(parser)
    parser.set_defaults(after_interrupt="nothing was written")


def _add_embed(parser: argparse.ArgumentParser) -> None:
    parser.description = "Make a t-SNE map of the rows of a table."
    parser.add_argument("X", help=f"the table, one row per sample: {TABLES}")
    _add_outputs(parser, "one label per row, for the colours of the picture")
    parser.add_argument("--slim", action="store_true", help="store the coordinates only: no transform, no going on")
    parser.add_argument("--resume", action="store_true", help="keep a checkpoint beside --out, and go on from it")
    parser.add_argument(
        "--seed",
        dest="random_state",
        type=int,
        default=0,
        metavar="N",
        help="the same seed gives the same map (default 0)",
    )
    parser.add_argument("--n-jobs", type=int, metavar="N", help="threads, -1 for all cores (default)")
    _add_quiet(parser)
    similarity = parser.add_argument_group("similarity of rows")
    one = similarity.add_mutually_exclusive_group()
    one.add_argument(
        "--perplexity", type=_numbers, metavar="P[,P]", help="effective number of neighbours (default 30), or several"
    )
    one.add_argument("--n-neighbors", type=int, metavar="K", help="uniform affinities of K neighbours instead")
    similarity.add_argument("--metric", metavar="NAME", help="distance of rows (default euclidean)")
    similarity.add_argument("--neighbors", metavar="NAME", help="how neighbours are found (default auto)")
    layout = parser.add_argument_group("layout")
    layout.add_argument("--n-components", type=int, metavar="D", help="dimensions of the map (default 2)")
    layout.add_argument(
        "--initialization", metavar="NAME", help="pca (default), spectral, random, landmarks, or a table of starts"
    )
    layout.add_argument("--early-exaggeration", type=_number_or("auto"), metavar="X", help="default auto, which is 12")
    layout.add_argument("--early-exaggeration-iter", type=int, metavar="N", help="iterations of it (default 250)")
    layout.add_argument("--exaggeration", type=float, metavar="X", help="afterwards (default none)")
    layout.add_argument("--n-iter", type=int, metavar="N", help="iterations afterwards (default 500)")
    layout.add_argument("--schedule", metavar="NAME", help="standard (default), or accelerated: fewer iterations")
    layout.add_argument(
        "--learning-rate", type=_number_or("auto"), metavar="X", help="default auto, by size and exaggeration"
    )
    layout.add_argument("--dof", type=_number_or("learn"), metavar="X", help="degrees of freedom (default 1)")
    layout.add_argument(
        "--negative-gradient-method", metavar="NAME", help="repulsion by auto (default), exact, bh or fft"
    )
    parser.set_defaults(after_interrupt="")


def _add_transform(parser: argparse.ArgumentParser) -> None:
    parser.description = "Place new rows on a map that `embed` made, which does not move."
    parser.add_argument("map", help="the map, stored without --slim")
    parser.add_argument("X_new", help=f"rows with the columns of the table of the map: {TABLES}")
    _add_outputs(parser, "one label per new row, for the colours of the picture")
    _add_quiet(parser)
    parser.add_argument("--perplexity", type=float, metavar="P", help="of the new rows (default 5)")
    parser.add_argument("--k", type=int, metavar="K", help="neighbours whose median is the start (default 25)")
    parser.add_argument("--initialization", metavar="NAME", help="median (default), weighted or random")
    parser.add_argument("--n-iter", type=int, metavar="N", help="iterations (default 250)")
    parser.set_defaults(after_interrupt="nothing was written")


def _add_outputs(parser: argparse.ArgumentParser, labels: str) -> None:
    parser.add_argument("--out", required=True, metavar="FILE", help="the map, .npz")
    parser.add_argument("--plot", metavar="FILE", help="a picture of it: .png, .pdf or .svg")
    parser.add_argument("--labels", metavar="FILE", help=labels)


def _add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing unless something is wrong")


def _number_or(word: str) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        return text if text == word else float(text)

    convert.__name__ = f"number or {word!r}"  # argparse shows it
    return convert


def _numbers(text: str) -> Any:
    """Return one number, or a list of those between commas."""
    values = [float(part) for part in text.split(",")]
    return values[0] if len(values) == 1 else values


_numbers.__name__ = "number"
