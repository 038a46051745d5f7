"""The version, here and in the distribution; looking that up would slow every start down."""

__version__ = "0.1.0"
