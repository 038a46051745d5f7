"""What the Files tab shows and does, without a screen.

=================  =============================================================
module             what lives there
=================  =============================================================
``engine``         :class:`FilesEngine`, what is needed of whoever moves the files
``pynet_engine``   the same over a car that is connected; ``pynet_transfer`` and
                   ``pynet_backup`` belong to it
``link``           whose files go with what the session is connected to
``worker``         a thread that does the newest of what was asked
``listing``        entries of a folder, filtered and sorted; pure
``folders``        folders of this laptop and of the car, read for a pane
``pane``           one side: a folder, its entries, filter and order
``station``        :class:`FileStation`, both sides and the car they belong to
``jobs``           what is said of a job, and what can be done with it; pure
``queue``          :class:`TransferQueue`, one job after the other
``storage``        how full the car is, and when it is full
``policy``         when the backup begins and what it leaves alone
``desk``           :class:`BackupDesk`, plan, run, history and restore
``desk_view``      what it shows; pure
``explain``        errors as sentences with a remedy
``kept``           what is remembered of each car
``words``          sizes and ages as a person reads them
=================  =============================================================
"""
