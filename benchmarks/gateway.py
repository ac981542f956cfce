"""The gateway emulator; without request budgets, so that a measurement may ask more often than a firm allows, unless `limited`."""

import sys

from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.server import run_emulator

if __name__ == "__main__":
    sys.exit(run_emulator(EmulatorOptions(seed=7, rate_limits="limited" in sys.argv, json=True)))
