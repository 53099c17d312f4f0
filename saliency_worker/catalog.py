COLOUR_MAPS = ("jet", "turbo", "viridis")
EDGE_MODELS = ("hed", "sobel")
