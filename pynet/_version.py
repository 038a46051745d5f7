"""The version, as pyproject.toml has it; looking that up would slow every start down."""

__version__ = "0.1.0"
