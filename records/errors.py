"""The one exception that means: the user can mend this."""


class UserError(ValueError):
    """A mistake in what the user gave.

    Its message is one line that names what was given and what would be accepted. The command line prints
    it without a stack trace and exits with code 2.

    Examples:
        >>> raise UserError("trials is 0; accepted: a whole number, 1 or more")
        Traceback (most recent call last):
        records.errors.UserError: trials is 0; accepted: a whole number, 1 or more
    """
