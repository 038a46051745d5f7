"""What goes wrong with hardware; imports nothing, because the motors' process needs it."""


class HardwareError(Exception):
    """A part of the car cannot be used; the text says which, why and what to do."""


class CameraError(HardwareError):
    """A camera cannot be opened, or died."""
