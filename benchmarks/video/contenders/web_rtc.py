"""aiortc: WebRTC with H.264, which adapts its bitrate by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

from benchmarks.link.link import CAR
from benchmarks.video.contenders import PORT, Ready
from benchmarks.video.screen import Screen
from benchmarks.video.source import FPS, Source

CLOCK = 90_000


class Camera(VideoStreamTrack):
    """The source as a track."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._number = -1

    async def recv(self) -> VideoFrame:
        """Return the next picture."""
        taken = await asyncio.to_thread(self._source.next_after, self._number)
        if taken is None:
            raise MediaStreamError
        self._number, picture = taken
        frame = VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts, frame.time_base = int(self._number / FPS * CLOCK), Fraction(1, CLOCK)
        return frame


def car(source: Source, ready: Ready) -> None:
    """Offer one track to whoever asks."""
    asyncio.run(_car(source, ready))


def laptop(screen: Screen, ready: Ready) -> None:
    """Show what the track brings."""
    asyncio.run(_laptop(screen, ready))


async def _car(source: Source, ready: Ready) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    track = Camera(source)
    transceiver = connection.addTransceiver(track, direction="sendonly")
    codecs = RTCRtpSender.getCapabilities("video").codecs
    transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == "video/H264"])
    over = asyncio.Event()
    track.on("ended", over.set)

    async def on_viewer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await connection.setLocalDescription(await connection.createOffer())
        await _say(writer, connection.localDescription)
        await connection.setRemoteDescription(await _hear(reader))

    async with await asyncio.start_server(on_viewer, CAR, PORT):
        ready()
        await over.wait()
    await connection.close()


async def _laptop(screen: Screen, ready: Ready) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
    connection.on("track", tracks.put_nowait)
    connected = asyncio.Event()

    def on_state() -> None:
        if connection.connectionState == "connected":
            connected.set()

    connection.on("connectionstatechange", on_state)
    reader, writer = await asyncio.open_connection(CAR, PORT)
    await connection.setRemoteDescription(await _hear(reader))
    await connection.setLocalDescription(await connection.createAnswer())
    await _say(writer, connection.localDescription)
    track = await tracks.get()
    await connected.wait()
    ready()
    with contextlib.suppress(MediaStreamError):
        while True:
            frame = await track.recv()
            assert isinstance(frame, VideoFrame)
            screen.show(frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False))


async def _say(writer: asyncio.StreamWriter, description: RTCSessionDescription) -> None:
    line = json.dumps({"sdp": description.sdp, "type": description.type})
    writer.write(line.encode() + b"\n")
    await writer.drain()


async def _hear(reader: asyncio.StreamReader) -> RTCSessionDescription:
    content: Mapping[str, str] = json.loads(await reader.readline())
    return RTCSessionDescription(content["sdp"], content["type"])
