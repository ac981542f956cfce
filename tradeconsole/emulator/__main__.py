"""`python -m tradeconsole.emulator`: how the emulator's own process is started."""

import argparse
import os
import sys
from pathlib import Path

from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.server import run_emulator


def main() -> int:
    """Run the emulator of a state folder."""
    parser = argparse.ArgumentParser(prog="python -m tradeconsole.emulator")
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps the emulator's state")
    parser.add_argument("--shared", action="store_true", help="end when no process uses it any more")
    parser.add_argument("--json", action="store_true", help="print the ready line as JSON")
    arguments = parser.parse_args()
    if arguments.shared and os.getpgrp() != os.getpid():
        # a terminal that is closed, or a signal to the console's group, is none of its business
        os.setsid()
    return run_emulator(
        EmulatorOptions(state_dir=arguments.state, shared=arguments.shared, json=arguments.json)
    )


if __name__ == "__main__":
    sys.exit(main())
