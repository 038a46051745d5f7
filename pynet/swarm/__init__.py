"""Swarms: several lanes that serve one flow.

From the bottom up: ``parts``, ``report``, ``window``, ``lanes``, ``sender`` and ``receiver`` are
pure (no sockets, threads or clocks); ``port``, ``outlet`` and ``inlet`` join them to real lanes;
``group`` is a swarm at the Gateway; ``keeper``, ``pair``, ``feed`` and ``client`` are one at the
Controller.
"""
