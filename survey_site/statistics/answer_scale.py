"""The scale of the ratings, and the word for “I can't tell”: said here, and nowhere else. Standard library."""

LOWEST, HIGHEST = 0, 6
RATINGS = range(LOWEST, HIGHEST + 1)
CANT_TELL = "cant_tell"
