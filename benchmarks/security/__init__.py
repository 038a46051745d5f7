"""What trust costs, and what somebody without it can do."""

from __future__ import annotations

# As in benchmarks.core: each part is a module of this package with a function `measure`.
PARTS = {
    "tls": "calls, arrays and connecting over TLS, beside plain TCP in the same run",
    "hostile": "1 000 hostile connections: memory, Handlers, and a client that is served meanwhile",
    "viewers": "age of the driver's commands on the lan profile, with 8 viewers and with none",
}
