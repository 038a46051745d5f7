"""H.264 by PyAV, without delay: one picture in, one packed picture out.

Measured with two street scenes of 640x480 at 30 pictures a second, as a moving camera sees them:
``ultrafast`` with its deblocking filter and large transforms switched on again is as good as
``superfast`` at 1.3 Mbit/s and more, for 5 instead of 7 to 9 ms of packing and unpacking; without
both it is 1 to 3 dB worse, and at 0.7 Mbit/s 0.4 to 0.9 dB worse. Two slices side by side gain
nothing. A rate control buffer of two pictures keeps every packed picture, key frames too, below
twice its share for 1 dB. Intra refresh costs 0.3 dB more than key frames as often, which the
buffer keeps small anyway.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pynet.rc.video.codecs import MOST_PIXELS, Packed, Picture, VideoError
from pynet.rc.video.settings import Setting

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.codeccontext import VideoCodecContext

PRESET = "ultrafast"
DETAIL = "no-deblock=0:deblock=0,0:8x8dct=1:partitions=i8x8"
BUFFER_PICTURES = 2.0
"""Room of the rate control, in pictures' shares: what one picture may take at most."""


class H264Encoder:
    """Packs pictures with x264 as Annex B; each key frame brings its parameter sets along.

    Args:
        width, height: pixels of the pictures to come; the packed ones are even.
        setting: its ``bitrate``, ``fps``, ``scale`` and ``key_every`` count.

    Raises:
        VideoError: x264 cannot be opened.
    """

    codec = "h264"

    def __init__(self, width: int, height: int, setting: Setting) -> None:
        self._full = (width, height)
        self._setting = setting
        self._context = self._opened()
        self._pictures = 0

    def apply(self, setting: Setting) -> None:
        """Packs the next pictures so; a change begins with a key frame.

        PyAV gives no way to change the rate control's buffer of an open x264, and opening a new
        one takes half a millisecond.
        """
        if setting != self._setting:
            self._setting = setting
            self._context = self._opened()
            self._pictures = 0

    def encode(self, picture: Picture, *, key: bool = False) -> Packed:
        """Packs a BGR picture of the size that was announced, or any other, which is resized.

        Raises:
            VideoError: x264 or OpenCV refuses it.
        """
        import av
        import av.error
        import cv2
        from av.video.frame import PictureType

        width, height = self._size
        try:
            sized: npt.NDArray[Any] = picture
            if picture.shape[:2] != (height, width):
                sized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            planes = cv2.cvtColor(sized, cv2.COLOR_BGR2YUV_I420)
            frame = av.VideoFrame.from_ndarray(np.asarray(planes, np.uint8), format="yuv420p")
            frame.pts = self._pictures
            if key:
                frame.pict_type = PictureType.I
            packets = self._context.encode(frame)
        except (av.error.FFmpegError, cv2.error) as error:
            raise VideoError(f"A picture cannot be packed as H.264: {error}") from error
        if len(packets) != 1:
            raise VideoError(f"x264 made {len(packets)} packets of one picture.")
        self._pictures += 1
        return Packed(bytes(packets[0]), packets[0].is_keyframe, "h264", width, height)

    @property
    def _size(self) -> tuple[int, int]:
        width, height = (max(16, side // self._setting.scale) for side in self._full)
        return width & ~1, height & ~1

    def _opened(self) -> VideoCodecContext:
        import av
        import av.error

        setting = self._setting
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = self._size
        context.pix_fmt = "yuv420p"
        context.framerate = Fraction(setting.fps).limit_denominator(1001)
        context.time_base = 1 / context.framerate
        context.bit_rate = int(setting.bitrate)
        context.gop_size = max(1, round(setting.fps * setting.key_every))
        context.max_b_frames = 0
        context.thread_count = 1
        context.options = {
            "preset": PRESET,
            "tune": "zerolatency",
            "forced-idr": "1",
            "maxrate": str(int(setting.bitrate)),
            "bufsize": str(int(setting.bitrate / setting.fps * BUFFER_PICTURES)),
            # A scene cut comes out as a picture like any other, in its share.
            "x264-params": f"scenecut=0:repeat-headers=1:annexb=1:{DETAIL}",
        }
        try:
            context.open()
        except av.error.FFmpegError as error:
            raise VideoError(f"x264 cannot be opened with {setting}: {error}") from error
        return context


class H264Unpacker:
    """Unpacks pictures one by one, in order, without delay.

    Raises:
        VideoError: PyAV is missing.
    """

    def __init__(self) -> None:
        try:
            import av
        except ImportError as error:
            raise VideoError(f"H.264 cannot be shown without PyAV: {error}") from error
        self._context: Any = av.CodecContext.create("h264", "r")
        self._context.thread_count = 1
        self._context.flags |= av.codec.context.Flags.low_delay
        self._context.options = {
            # A picture with a fault is refused, not mended with what was there before.
            "err_detect": "crccheck+bitstream+buffer+explode",
            "ec": "0",
            "max_pixels": str(MOST_PIXELS),
        }

    def unpack(self, data: bytes) -> Picture:
        """The picture as a new height x width x 4 array, BGRA, C-contiguous.

        Raises:
            VideoError: the bytes are no picture, or need one that was not there.
        """
        import av
        import av.error
        import cv2

        try:
            frames = self._context.decode(av.Packet(data)) if data else []
            if len(frames) != 1 or frames[0].is_corrupt or _is_odd(frames[0]):
                raise VideoError(f"{len(data)} bytes are no intact picture")
            planes = frames[0].to_ndarray(format="yuv420p")
            bgra = cv2.cvtColor(planes, cv2.COLOR_YUV2BGRA_I420)
        except (av.error.FFmpegError, cv2.error, ValueError) as error:
            raise VideoError(f"not a picture: {error}") from error
        return np.ascontiguousarray(bgra, np.uint8)


def _is_odd(frame: VideoFrame) -> bool:
    """True for a size that no encoder here makes, and that 4:2:0 cannot hold in whole pixels."""
    return bool(frame.width % 2 or frame.height % 2)
