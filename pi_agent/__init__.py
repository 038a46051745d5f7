"""The program on the car: motors, camera, sensors, failsafe, and a simulated car."""

__all__ = ["__version__"]

__version__: str


def __getattr__(name: str) -> str:
    # Looked up when asked for: the motors' process must start quickly, and never asks.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pynet-rc")
    except PackageNotFoundError:
        return "0.1.0"
