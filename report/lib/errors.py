"""The error that is shown without a traceback, for it says what to do."""


class ReportError(Exception):
    """What a figure, table or number needs is missing or contradicts itself."""
