"""How sure people are that a prediction is right: four steps without a middle (Kim et al. 2022). Standard library."""

LOWEST, HIGHEST = 1, 4
STEPS = range(LOWEST, HIGHEST + 1)
SAYS_RIGHT = (3, 4)  # probably and definitely right
EXTREMES = (LOWEST, HIGHEST)  # what an instructed check asks for, by its expected score 0 and 1
