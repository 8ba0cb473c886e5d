"""The errors that micromlgen raises on purpose."""


class MicromlgenError(Exception):
    """Base of every error that micromlgen raises on purpose."""


class UnsupportedError(MicromlgenError, ValueError):
    """The request has no port: an estimator, an option or a target that micromlgen does not know."""


class NotFiniteError(UnsupportedError):
    """A number of the model is infinite, or none."""


class AgreementError(MicromlgenError, ValueError):
    """The port does not agree with the estimator as well as was asked."""


class ToolchainError(MicromlgenError, RuntimeError):
    """A compiler or simulator is missing, refused its input, or did not finish."""


class OverwriteError(MicromlgenError, FileExistsError):
    """A file is there already, and was not meant to be replaced."""
