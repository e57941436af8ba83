"""tokenseam.errors: what each class is, and how it reads."""

from __future__ import annotations

import copy
import pickle

import pytest
from tokenseam import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]


def test_all_names_every_class():
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    assert defined == set(errors.__all__)


@pytest.mark.parametrize("kind", CLASSES)
def test_one_message_reads_as_it_was_written_and_survives_a_pickle(kind):
    message = "field 'x': it is \"wrong\"\nin two lines"
    error = kind(message)
    assert str(error) == message
    assert isinstance(error, errors.TokenseamError)
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(again) is kind
        assert str(again) == message


@pytest.mark.parametrize("kind", CLASSES)
def test_no_message_reads_as_the_class(kind):
    assert str(kind()) == kind.__name__


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LoadError", ValueError),
        ("ReadError", OSError),
        ("MissingFileError", FileNotFoundError),
        ("VocabularyError", errors.LoadError),
        ("OfflineError", FileNotFoundError),
        ("OfflineError", errors.LoadError),
        ("DownloadError", OSError),
        ("DisallowedSpecialError", ValueError),
        ("UnknownTokenError", KeyError),
        ("SaveError", OSError),
        ("InexpressibleError", ValueError),
        ("DocumentError", ValueError),
    ],
)
def test_each_is_the_built_in_exception_that_is_expected_in_its_place(name, expected):
    assert issubclass(getattr(errors, name), expected)
