"""Side-by-side measurements of this package and its peers; see ``benchmarks/README.md``."""
