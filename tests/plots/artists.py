"""Numbers and texts of a figure, read from what it draws."""


def lines(axis):
    """Lines by label."""
    return {line.get_label(): line for line in axis.get_lines()}


def xs(axis):
    return [list(line.get_xdata()) for line in axis.get_lines()]


def ys(axis):
    return [list(line.get_ydata()) for line in axis.get_lines()]


def texts(artists):
    return [artist.get_text() for artist in artists]


def picture(axis):
    """The image of an axes."""
    return axis.get_images()[0].get_array()
