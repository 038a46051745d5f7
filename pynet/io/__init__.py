"""Sockets and threads: the reactor, lanes, and where the two meet."""
