"""The command's entry point, also for `python -m tradeconsole`: so light that Ctrl+C is answered from the first moment."""

import sys

from tradeconsole.errors import EXIT_INTERRUPTED


def main() -> None:
    """Load the command line and hand over to it."""
    try:
        from tradeconsole.cli.app import run_command  # noqa: PLC0415 - takes a third of a second

        code = run_command(sys.argv[1:])
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
