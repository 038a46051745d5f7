"""The protocol without I/O: bytes in, frames out. No sockets, threads or clocks in here."""
