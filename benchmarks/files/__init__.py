"""Files: transfers beside their peers, on this machine and over links; beside driving; resumed."""

from __future__ import annotations

# As in benchmarks.core: each part is a module of this package with a function `measure`.
PARTS = {
    "large": "1 GiB on loopback, plain and verified, beside rsync's daemon, sendfile and others",
    "sealed": "the same over TLS, beside scp and rsync over ssh",
    "small": "10 000 files of 1 to 16 KiB on loopback",
    "tree": "a real tree of 9 900 files on loopback",
    "moves": "10 000 small files moved: durable at the sink before they are removed at the source",
    "longfat": "64 MiB far away, with bbr and with cubic, beside sockets with as many lanes",
    "longfat_small": "1 000 small files far away",
    "wifi_good": "64 MiB and 1 000 small files over Wi-Fi in the same room",
    "wifi_bad": "16 MiB and 200 small files over Wi-Fi two walls away",
    "driving": "age of commands while a transfer fills the link (wifi-good and wifi-bad)",
    "resume": "4 GiB on disk, killed halfway and resumed: what is sent and read again",
}
