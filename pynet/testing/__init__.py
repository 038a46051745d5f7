"""For the tests of programs that use pynet: time, links and failures under your control.

======================  ===============================================================
:class:`MockClock`      a clock that moves when you say so
:func:`travelled`       a value as the other side would receive it
:class:`MemoryLink`     both ends of the protocol in memory: no sockets, threads or waiting
:class:`CuttableLink`   a real TCP connection in between, which delays, freezes and breaks
======================  ===============================================================

A program that must survive a broken link is tested in a few lines::

    with Gateway(port=0) as gateway, CuttableLink(gateway.port) as link:
        with Controller() as controller:
            car = controller.connect(link.address)
            ...
            link.cut()      # and see what your program does
"""

from pynet.testing.clock import MockClock
from pynet.testing.link import CuttableLink
from pynet.testing.memory import Arrived, MemoryLink
from pynet.testing.values import travelled

__all__ = ["Arrived", "CuttableLink", "MemoryLink", "MockClock", "travelled"]
