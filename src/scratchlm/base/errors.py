"""The one exception that is meant for a person rather than for a programmer."""


class UserError(Exception):
    """What happened, where, and what to do, in one line.

    The command line prints it without a traceback and exits with status 2.
    """
