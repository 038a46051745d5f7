"""A car that exists in software only: world, sensors and camera pictures.

The physics (:class:`pi_agent.sim.world.World`) has no threads and no clock, so
it runs as fast as the processor allows; :mod:`pi_agent.sim.runner` ties it to
real time behind the protocols of :mod:`pi_agent.hardware.protocols`.
"""
