"""Joins keys, menus and buttons about the wheel to the driver's seat."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from rcapp.core.seat import DriverSeat
from rcapp.core.state import Link, Snapshot
from rcapp.core.wheel import Holder
from rcapp.views.actions import Actions
from rcapp.views.drive_view import DriveView
from rcapp.views.force_dialog import ForceDialog


class WheelControl(QObject):
    """What the person wishes of the wheel, from wherever they wish it.

    Args:
        seat: of the car.
        actions: the shared actions.
        drive: the view with the keys and the panels.
        window: what dialogs belong to.
    """

    drive_view_wanted = Signal()
    opened = Signal(object)
    """A dialog that is to be shown."""

    def __init__(
        self, seat: DriverSeat, actions: Actions, drive: DriveView, window: QWidget
    ) -> None:
        super().__init__(window)
        self._seat = seat
        self._actions = actions
        self._window = window
        self._snapshot = Snapshot()
        stage, bar = drive.stage, drive.stage.wheel_bar
        self._wishes = {
            "wheel": self.take,
            "accept": lambda: seat.answer_request(True),
            "decline": lambda: seat.answer_request(False),
            "arm": seat.arm,
            "disarm": seat.disarm,
        }
        drive.wished.connect(lambda wish: self._wishes[wish]())
        actions.take_wheel.triggered.connect(self.take)
        actions.leave_wheel.triggered.connect(seat.let_go_of_wheel)
        actions.force_wheel.triggered.connect(self.ask_for_reason)
        actions.arm.triggered.connect(seat.arm)
        actions.disarm.triggered.connect(seat.disarm)
        stage.arm_wanted.connect(seat.arm)
        stage.take_wanted.connect(self.take)
        stage.leave_wheel_wanted.connect(seat.let_go_of_wheel)
        bar.accept_wanted.connect(self._wishes["accept"])
        bar.decline_wanted.connect(self._wishes["decline"])
        bar.force_wanted.connect(self.ask_for_reason)

    def take(self) -> None:
        """Take the wheel, or ask for it; commands come from the Drive view."""
        self.drive_view_wanted.emit()
        self._seat.ask_for_wheel()

    def ask_for_reason(self) -> None:
        """Open the dialog for taking the wheel by force."""
        wheel = self._snapshot.wheel
        if wheel.holder is Holder.OTHER and wheel.may_force:
            dialog = ForceDialog(wheel.driver, self._window)
            dialog.force_wanted.connect(self._seat.force_wheel)
            self.opened.emit(dialog)

    def show_snapshot(self, now: Snapshot) -> None:
        """Offer what can be done now."""
        self._snapshot = now
        wheel, actions = now.wheel, self._actions
        there = now.link in (Link.LIVE, Link.STALE)
        watching = there and wheel.may_drive and wheel.holder in (Holder.NOBODY, Holder.OTHER)
        asks = wheel.holder is Holder.OTHER and not wheel.offered
        actions.take_wheel.setText("&Ask for the wheel" if asks else "&Take the wheel")
        actions.take_wheel.setEnabled(watching and not wheel.asking and not wheel.busy_with)
        actions.leave_wheel.setEnabled(there and wheel.yours)
        actions.force_wheel.setEnabled(watching and wheel.may_force and bool(wheel.driver))
        actions.arm.setEnabled(there and wheel.yours and not now.armed)
        actions.disarm.setEnabled(there and now.armed)
