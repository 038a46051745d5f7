"""Conditional backup: when a disk is too full, its oldest files move away, just enough of them."""
