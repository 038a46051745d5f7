"""From stored results to a page for people: ``python -m benchmarks.report``."""
