"""The error of data sets that are not what was expected."""

from emorec.errors import UserError


class DataError(UserError):
    """The data set on disk is not what was expected; the message says what to do."""
