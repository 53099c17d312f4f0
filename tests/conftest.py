"""Settings of all tests."""

from hypothesis import settings

# Deadlines measure the machine, not the code: shared cores make them flaky.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
