"""aiortc: a WebRTC data channel, unordered and without retransmissions.

Offer and answer go over a TCP connection of their own, before the first command.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from benchmarks.peers.commands import Send, Take


def loop_in_a_thread(stack: contextlib.ExitStack) -> asyncio.AbstractEventLoop:
    """Start an event loop that lives as long as the stack."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="loop", daemon=True)
    thread.start()
    stack.callback(thread.join, 2)
    stack.callback(loop.call_soon_threadsafe, loop.stop)
    return loop


def packed(peer: RTCPeerConnection) -> bytes:
    """Return what the other side must know, as a line."""
    description = peer.localDescription
    return json.dumps({"sdp": description.sdp, "type": description.type}).encode() + b"\n"


def serve(stack: contextlib.ExitStack, host: str, take: Take, **_options: Any) -> dict[str, Any]:
    """Answer an offer, and take what comes over its channel."""
    loop = loop_in_a_thread(stack)

    async def negotiate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))

        peer.on("datachannel", lambda channel: channel.on("message", take))
        offer = json.loads(await reader.readline())
        await peer.setRemoteDescription(RTCSessionDescription(**offer))
        await peer.setLocalDescription(await peer.createAnswer())
        writer.write(packed(peer))
        await writer.drain()

    async def listen() -> int:
        server = await asyncio.start_server(negotiate, host, 0, limit=1 << 20)
        return int(server.sockets[0].getsockname()[1])

    return {"port": asyncio.run_coroutine_threadsafe(listen(), loop).result(20)}


def connect(stack: contextlib.ExitStack, host: str, facts: dict[str, Any], **_options: Any) -> Send:
    """Offer a channel, and wait until it is open."""
    loop = loop_in_a_thread(stack)
    opened = threading.Event()

    async def negotiate() -> tuple[RTCPeerConnection, Any]:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        channel = peer.createDataChannel("drive", ordered=False, maxRetransmits=0)
        channel.on("open", opened.set)
        await peer.setLocalDescription(await peer.createOffer())
        reader, writer = await asyncio.open_connection(host, facts["port"], limit=1 << 20)
        writer.write(packed(peer))
        answer = json.loads(await reader.readline())
        await peer.setRemoteDescription(RTCSessionDescription(**answer))
        writer.close()
        return peer, channel

    peer, channel = asyncio.run_coroutine_threadsafe(negotiate(), loop).result(30)
    if not opened.wait(20):
        raise TimeoutError("the channel did not open within 20 s")
    stack.callback(lambda: asyncio.run_coroutine_threadsafe(peer.close(), loop).result(5))

    def send(command: bytes) -> None:
        loop.call_soon_threadsafe(channel.send, command)

    return send
