"""The window: it shows what :mod:`rcapp.core` knows and forwards what the person does."""
