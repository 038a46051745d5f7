"""The core of pynet on one machine: calls, streams, arrays, many Handlers, and the demo."""

from __future__ import annotations

# Each part is a module of this package with a function `measure`. They are imported only to be
# run, because each needs a peer that may not be installed.
PARTS = {
    "calls": "one call with 64 bytes, beside a raw TCP pair and pyzmq REQ/REP",
    "items": "64-byte items through generator and callback, beside pyzmq PUSH/PULL; ages at 1 kHz",
    "arrays": "1 MiB arrays through generator and callback, beside raw TCP",
    "handlers": "memory of an idle Handler; 200 Controllers that want an answer at once",
    "demo": "pictures shown, their age from capture to paint, and what both programs use",
}
