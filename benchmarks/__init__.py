"""pynet and its programs beside their peers, one command each: ``python -m benchmarks``."""
