"""The half of the app that knows no Qt: it can be tested and scripted without a screen.

=================  =============================================================
module             what lives there
=================  =============================================================
``session``        :class:`CarSession`, one car as the app sees it
``state``          :class:`Link`, :class:`Frame`, :class:`Snapshot`, pure rules
``feeds``          the open feeds of one connection
``pictures``       the mailbox of one picture, picture statistics
``stopping``       STOP, pressed until the car has acknowledged it
``drive``          :class:`DriveInput`, which input drives and what is sent
``keyboard``       keys with an analogue feel
``gamepad``        gamepads through SDL
``series``         ring buffers behind the plots
``events``         what happened, for the person
``sentences``      errors as sentences with a remedy
``demo_car``       a simulated car as a child process
``demo_files``     what the demo car has recorded
``demo_drive``     scripted driving and the report of the demo
``settings``       the person's settings file
``crash``          crash log and logging
``options``        what the command line asked for
=================  =============================================================
"""
