"""Benchmarks, each printing a ratio to its named floor measured in the same run."""
