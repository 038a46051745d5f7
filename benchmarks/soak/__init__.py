"""What pynet has left after everything that can happen to a connection has happened to it.

    python -m benchmarks.soak

Two processes drive and watch over an emulated link. After each scenario threads, descriptors,
Handlers and memory must be what they were, and what the programs were told must have been true.
"""
