"""The failsafe: its rules, and the small process that owns the motors and follows them.

Nothing here imports more than a few modules of the standard library at start, because all of
it runs in that process.
"""
