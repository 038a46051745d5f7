"""How commands travel from the laptop to the car, one module for each contender.

Each has two functions::

    serve(stack, host, take, **options) -> facts    in the car: calls take(command) for each
    connect(stack, host, facts, **options) -> send  at the laptop: send(command) sends one

`facts` is what the laptop must know, such as the port. What must be closed goes into `stack`.
"""

from __future__ import annotations

from collections.abc import Callable

Take = Callable[[bytes], None]
Send = Callable[[bytes], None]
