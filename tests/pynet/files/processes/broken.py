"""A file process that ends as soon as it starts."""


def main() -> None:
    """End."""
