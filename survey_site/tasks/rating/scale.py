"""The scale of the ratings: said here, and nowhere else. Standard library."""

LOWEST, HIGHEST = 0, 6
RATINGS = range(LOWEST, HIGHEST + 1)
