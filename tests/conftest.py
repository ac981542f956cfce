"""How property tests run: without clocks, and the same each time where a failure could not be looked into."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("busy machine"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "busy machine")
