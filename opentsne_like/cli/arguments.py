"""What can be said on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .. import __version__
from .._validation import near_miss

TABLES = ".npy, .npz, .csv, .tsv (also .gz, .bz2, .xz), .parquet or .h5ad; FILE:WHAT takes a column, an array, a matrix"
LABELS = "FILE[:COLUMN]"


class Parser(argparse.ArgumentParser):
    """A parser whose errors take one line, and that knows what nearly was an option."""

    def error(self, message: str) -> NoReturn:
        """Print the error and leave with status 2."""
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}; see {self.prog} --help\n")

    def refuse_unknown(self, words: list[str]) -> NoReturn:
        """Print what is not understood, and what may have been meant."""
        known = [option for action in self._actions for option in action.option_strings]
        meant = [near_miss(word.partition("=")[0], known) for word in words if word.startswith("-")]
        self.error(f"unrecognized arguments: {' '.join(words)}{''.join(meant[:1])}")


def parse(program: str, arguments: Sequence[str] | None, options: argparse.Namespace) -> None:
    """Note in `options` what the arguments say; without any, print what there is.

    Parameters
    ----------
    program : str
        How the program is called.
    arguments : sequence of str, optional
        By default those of the process.
    options : argparse.Namespace

    Raises
    ------
    SystemExit
        After help, the version or an error, which were printed.
    """
    parser = make_parser(program)
    words = sys.argv[1:] if arguments is None else list(arguments)
    if not words:
        parser.print_help()
        parser.exit()
    _, unknown = parser.parse_known_args(words, options)
    if unknown:
        commands_of(parser)[options.command].refuse_unknown(unknown)


def commands_of(parser: argparse.ArgumentParser) -> dict[str, Parser]:
    """Return the parser of each command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        What `make_parser` returned.
    """
    subparsers = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(subparsers.choices)


def flags_of(program: str, command: str) -> dict[str, str]:
    """Return how each option of a command is written, by the name of what it sets.

    Parameters
    ----------
    program, command : str
    """
    actions = commands_of(make_parser(program))[command]._actions
    return {action.dest: action.option_strings[-1] for action in actions if action.option_strings}


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
    parser = Parser(prog=program, description="Maps of data by t-SNE and its family: fast, exact and reproducible.")
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands.add_parser("demo", help="embed scikit-learn's handwritten digits, to see that all works"))
    _add_embed(commands.add_parser("embed", help="make a map of a table"))
    _add_transform(commands.add_parser("transform", help="place new rows on a map, which does not move"))
    _add_add(commands.add_parser("add", help="make one map of a map and new rows"))
    _add_plot(commands.add_parser("plot", help="draw a map, as a picture or as a page to explore"))
    _add_info(commands.add_parser("info", help="say what is known about a map"))
    _add_export(commands.add_parser("export", help="write a map as a table"))
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.description = "Embed the 1,797 digits of scikit-learn; write digits.npz and digits.png."
    parser.add_argument("--out-dir", default=".", metavar="FOLDER", help="where to write (default: here)")
    parser.add_argument("--n-jobs", type=int, default=-1, metavar="N", help="threads, -1 for all cores (default)")
    _add_quiet(parser)
    parser.set_defaults(after_interrupt="nothing was written")


def _add_embed(parser: argparse.ArgumentParser) -> None:
    parser.description = "Make a map of the rows of a table, by t-SNE or another method."
    parser.add_argument("X", help=f"the table, one row per sample: {TABLES}")
    _add_index(parser)
    _add_outputs(parser, "one label per row, for the colours of the picture")
    _add_include(parser)
    _add_snapshots(parser)
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
    parser.add_argument(
        "--method",
        default="tsne",
        metavar="NAME",
        help="tsne (default), umap, sne, infonctsne, negtsne, nctsne, largevis, pacmap or elasticembedding",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other parameter of the method, such as min_dist=0.3; may come several times",
    )
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
    layout.add_argument(
        "--schedule",
        metavar="NAME",
        help="standard, accelerated (a sixth of the iterations), or auto (default): accelerated from 5,000 rows",
    )
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
    _add_map_and_rows(parser)
    out = "the placed rows, .npz; or their coordinates alone, .npy, written batch by batch, however many there are"
    _add_outputs(parser, "one label per new row, for the colours of the picture", out)
    _add_quiet(parser)
    parser.add_argument("--perplexity", type=float, metavar="P", help="of the new rows (default 5)")
    parser.add_argument("--k", type=int, metavar="K", help="neighbours whose median is the start (default 25)")
    parser.add_argument("--initialization", metavar="NAME", help="median (default), weighted or random")
    parser.add_argument("--n-iter", type=int, metavar="N", help="iterations (default 250)")


def _add_add(parser: argparse.ArgumentParser) -> None:
    parser.description = "Make one map of the rows of a map that `embed` made and new rows; the old ones come first."
    _add_map_and_rows(parser)
    _add_outputs(parser, "one label per row, old and new, for the colours of the picture")
    _add_include(parser)
    _add_snapshots(parser)
    _add_quiet(parser)
    parser.add_argument("--hold", action="store_true", help="leave the old points where they are")
    parser.add_argument("--n-iter", type=int, metavar="N", help="iterations of all points together (default 100)")


def _add_plot(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Draw a map: .png, .pdf and .svg are pictures, .html is a page to explore, .gif a movie of how it came about."
    )
    parser.add_argument("map", help="the map")
    parser.add_argument("--out", required=True, metavar="FILE", help="the picture, page or movie")
    _add_columns(parser, "one label per row, for the colours")
    parser.add_argument("--title", metavar="TEXT", help="what stands above it")
    _add_quiet(parser)


def _add_info(parser: argparse.ArgumentParser) -> None:
    parser.description = "Say how a map was made, how far it is and what can be done with it."
    parser.add_argument("map", help="the map")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.description = "Write names of rows, coordinates and labels as a table."
    parser.add_argument("map", help="the map")
    parser.add_argument("table", help="the table, .csv or .parquet")
    parser.add_argument("--ids", metavar=LABELS, help="names of rows (default: their numbers from 0 on)")
    parser.add_argument(
        "--labels", action="append", metavar=LABELS, help="one more column, one value per row; may come several times"
    )
    _add_quiet(parser)


def _add_map_and_rows(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("map", help="the map, stored with its data")
    parser.add_argument("X_new", help=f"rows with the columns of the table of the map: {TABLES}")
    _add_index(parser)
    parser.set_defaults(after_interrupt="nothing was written")


def _add_outputs(parser: argparse.ArgumentParser, labels: str, out: str = "the map, .npz") -> None:
    parser.add_argument("--out", required=True, metavar="FILE", help=out)
    parser.add_argument("--plot", metavar="FILE", help="a picture, .png, .pdf or .svg; a page, .html; a movie, .gif")
    _add_columns(parser, labels)


def _add_columns(parser: argparse.ArgumentParser, labels: str) -> None:
    parser.add_argument("--labels", metavar=LABELS, help=labels)
    parser.add_argument(
        "--hover",
        action="append",
        metavar=LABELS,
        help="what a page says of the point under the pointer; may come several times",
    )


def _add_index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--index", action="store_true", help="the first column holds names of rows, which are left out")


def _add_include(parser: argparse.ArgumentParser) -> None:
    one = parser.add_mutually_exclusive_group()
    one.add_argument(
        "--include",
        choices=("data", "affinities", "optimizer", "coordinates"),
        default="data",
        help="how much of the map is stored: all (default), enough to go on, or less",
    )
    one.add_argument(
        "--slim",
        dest="include",
        action="store_const",
        const="coordinates",
        help="store the coordinates only: no transform, no going on",
    )


def _add_snapshots(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--snapshots",
        type=int,
        metavar="N",
        help="keep every N-th iteration in the map, for a movie by `plot`; a movie by --plot keeps every tenth",
    )


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
