"""The command line: `yakujo`."""

from node.commands import app


def main() -> None:
    """Run the command that was typed."""
    app()


if __name__ == "__main__":
    main()
