"""How a trial ends that cannot go on."""


class TrialFailedError(RuntimeError):
    """The trial cannot go on; the message is its cause, as the report shows it."""
