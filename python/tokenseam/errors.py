"""Every exception that tokenseam raises on purpose.

One family for each phase of the work, and all of them under
:class:`TokenseamError`. Each class is also the built-in exception that a
caller would expect in its place (``ValueError`` for a bad file or text,
``OSError`` for what the operating system refuses, ``KeyError`` for an id that
is not there), so code written for ``tiktoken`` catches them unchanged.

===============================  ==========================================
class                            raised when
===============================  ==========================================
:class:`LoadError`               a vocabulary cannot become a tokenizer
:class:`ReadError`               ... its file cannot be read
:class:`MissingFileError`        ... its file does not exist
:class:`FormatError`             ... its bytes are not the format they claim
:class:`UnsupportedError`        ... it asks for what tokenseam does not do
:class:`VocabularyError`         ... it contradicts itself
:class:`PatternError`            ... its pattern cannot be compiled
:class:`EncodeError`             a text cannot be encoded
:class:`DisallowedSpecialError`  ... it holds a special token not allowed
:class:`UnknownSpecialError`     ... a special token is named that is none
:class:`SurrogateError`          ... it holds half of a surrogate pair
:class:`PatternLimitError`       ... a slow pattern gave up on it
:class:`DecodeError`             ids cannot be decoded
:class:`UnknownTokenError`       ... an id or a token is not in the vocabulary
:class:`SaveError`               a tokenizer cannot be written
:class:`InexpressibleError`      ... the file's form cannot express it
:class:`DownloadError`           a vocabulary cannot be fetched
:class:`OfflineError`            ... because fetching was not asked for
:class:`DocumentError`           an input document cannot be read
===============================  ==========================================

Every class takes one message and can be pickled.
"""

__all__ = [
    "DecodeError",
    "DisallowedSpecialError",
    "DocumentError",
    "DownloadError",
    "EncodeError",
    "FormatError",
    "InexpressibleError",
    "LoadError",
    "MissingFileError",
    "OfflineError",
    "PatternError",
    "PatternLimitError",
    "ReadError",
    "SaveError",
    "SurrogateError",
    "TokenseamError",
    "UnknownSpecialError",
    "UnknownTokenError",
    "UnsupportedError",
    "VocabularyError",
]


class TokenseamError(Exception):
    """The base of every exception that tokenseam raises on purpose."""

    def __str__(self) -> str:
        # KeyError would show the message's repr, and OSError its errno form.
        return str(self.args[0]) if self.args else type(self).__name__


class LoadError(TokenseamError, ValueError):
    """A vocabulary could not become a tokenizer."""


class ReadError(LoadError, OSError):
    """The file could not be read."""


class MissingFileError(ReadError, FileNotFoundError):
    """The file does not exist."""


class FormatError(LoadError):
    """The bytes are not the format that they should be: truncated, not JSON,
    a field of the wrong type, a line that is not ``base64 rank``."""


class UnsupportedError(LoadError):
    """The file is well formed but asks for something that tokenseam does not
    do. The message names it; nothing is approximated."""


class VocabularyError(LoadError):
    """The vocabulary contradicts itself: a missing byte, a duplicate id, a
    merge whose result is not a token."""


class PatternError(LoadError):
    """The pre-tokenizer's pattern cannot be compiled, or is refused."""


class EncodeError(TokenseamError, ValueError):
    """A text could not be encoded."""


class DisallowedSpecialError(EncodeError):
    """The text contains a special token that was not allowed."""


class UnknownSpecialError(EncodeError):
    """``allowed_special`` or ``disallowed_special`` names something that is
    not a special token of this tokenizer."""


class SurrogateError(EncodeError):
    """The ``str`` holds a lone surrogate, which is no character and has no
    UTF-8."""


class PatternLimitError(EncodeError):
    """A pattern that cannot run in linear time gave up on this text."""


class DecodeError(TokenseamError, LookupError):
    """Ids could not be decoded, or a token not be looked up."""


class UnknownTokenError(DecodeError, KeyError):
    """An id, or bytes, that are not a token of this vocabulary."""


class SaveError(TokenseamError, OSError):
    """A tokenizer could not be written."""


class InexpressibleError(SaveError, ValueError):
    """The form asked for cannot express this tokenizer."""


class DownloadError(ReadError):
    """A vocabulary could not be fetched, or is not what its hash says."""


class OfflineError(DownloadError, MissingFileError):
    """A vocabulary is not on this machine and fetching was not asked for.
    The message says which file to put where."""


class DocumentError(TokenseamError, ValueError):
    """An input document could not be read; the message names file and line."""
