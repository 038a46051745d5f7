"""The desktop app: shows one car live and drives it.

``rcapp.core`` is the half without Qt (session, feeds, input, settings, demo),
``rcapp.views`` is the half that paints it and forwards what the person does.
"""

__version__ = "0.1.0"
