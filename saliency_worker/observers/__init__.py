"""Synthetic observers: programs that match maps with photos by what their pictures look like. Arrays in, arrays out.

An observer sees what a participant is served, as uint8 RGB, and nothing else. A *view* is what it makes of a picture: a
vector of unit length without its mean, so that the score of a map and a candidate is Pearson's correlation, one matrix
product for all of them. It chooses the candidate of the highest score.
"""
