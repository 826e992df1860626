"""Errors that a user can mend; the command line prints their message and no traceback."""


class UserError(ValueError):
    """What was found, what was expected, and what to do."""


class DataError(UserError):
    """The data set on disk is not what was expected; the message says what to do."""


class ModelError(UserError):
    """Model and data, or a model and what it is used for, do not fit; the message says how."""
