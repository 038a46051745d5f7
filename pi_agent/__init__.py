"""The program on the car: motors, camera, sensors, failsafe, and a simulated car."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("pynet-rc")
except PackageNotFoundError:
    __version__ = "0.1.0"
