"""The processes that benchmarks talk to; each is run with ``python -m``."""
