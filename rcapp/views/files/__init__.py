"""The Files tab: storage and backup, the car's folders beside this laptop's, transfers."""
