"""Benchmarks: programs that print tables, run by `make bench`."""
