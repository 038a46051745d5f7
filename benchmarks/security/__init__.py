"""What trust costs, and what somebody without it can do."""

from __future__ import annotations

# As in benchmarks.core: each part is a module of this package with a function `measure`.
PARTS = {
    "tls": "calls, arrays and connecting over TLS, beside plain TCP in the same run",
    "commands": "age of 100 Hz commands over TLS, beside plain TCP (lan, wifi-bad and wifi-edge)",
    "pictures": "age of pictures on display over TLS, beside plain TCP (lan and wifi-bad)",
    "hostile": "1 000 hostile connections: memory, Handlers, and a client that is served meanwhile",
    "viewers": "age of the driver's commands on the lan profile, with 8 viewers and with none",
    "failsafe": "1 000 cuts on a busy machine; kill -9; a held stick; 1 000 000 fuzzed commands",
}
