"""tokenseam.Tokenizer beside the libraries that it stands in for and feeds."""

from __future__ import annotations

import concurrent.futures
import copy
import inspect
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from tokenseam import Ragged, Spec, StreamDecoder, Tokenizer, errors

from tests import support

TEXTS = (
    "",
    " ",
    "hello world",
    "naïve café 日本語 한국어 🧶👩‍👩‍👧 e\u0301",
    "line\n\n  next\r\n\ttab   end   ",
    "x = {'a': 1_000, \"b\": [2.5e-3]}  # comment",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "<|endoftext|> in the text",
)


@pytest.fixture(scope="session")
def made():
    """A tokenizer of each shared vocabulary, from tiktoken's object."""
    kept: dict[str, Tokenizer] = {}

    def make(name: str) -> Tokenizer:
        if name not in kept:
            kept[name] = Tokenizer.from_tiktoken(support.tiktoken_encoding(name))
        return kept[name]

    return make


@pytest.fixture
def pair(tiktoken_vocabulary, made):
    """A tokenizer and the tiktoken encoding that it was made from."""
    return made(tiktoken_vocabulary), support.tiktoken_encoding(tiktoken_vocabulary)


@pytest.fixture(scope="session")
def small():
    return Tokenizer.from_tiktoken(support.tiktoken_encoding("small"))


# --- tiktoken ----------------------------------------------------------------


def test_every_public_name_of_tiktoken_is_here(small):
    public = {name for name in dir(support.tiktoken_encoding("small")) if name[0] != "_"}
    assert public <= set(dir(small))
    read_by_others = {"_mergeable_ranks", "_special_tokens", "_pat_str", "_encode_single_piece"}
    assert read_by_others | {"_encode_bytes"} <= set(dir(small))
    for name in public:
        theirs = getattr(tiktoken.Encoding, name, None)
        if callable(theirs) and name != "encode_batch":
            # Whatever can be given to theirs by name can be given to ours.
            named = {
                parameter.name
                for parameter in inspect.signature(theirs).parameters.values()
                if parameter.kind is parameter.KEYWORD_ONLY
            }
            assert named <= set(inspect.signature(getattr(Tokenizer, name)).parameters)


def test_encoding_is_the_same(pair):
    ours, theirs = pair
    for text in TEXTS:
        expected = theirs.encode(text, disallowed_special=())
        assert ours.encode(text, disallowed_special=()) == expected
        assert ours.encode_ordinary(text) == theirs.encode_ordinary(text)
        assert ours.encode(text, allowed_special="all") == theirs.encode(
            text, allowed_special="all"
        )
        array = ours.encode_to_numpy(text, disallowed_special=())
        assert array.dtype == np.uint32
        assert array.tolist() == expected
        assert ours.count(text, disallowed_special=()) == len(expected)
    batch = list(TEXTS)
    assert ours.encode_ordinary_batch(batch) == theirs.encode_ordinary_batch(batch)
    assert ours.encode_ordinary_batch(batch, num_threads=2) == theirs.encode_ordinary_batch(batch)
    encoded = ours.encode_batch(batch, allowed_special="all", num_threads=3)
    assert isinstance(encoded, Ragged)
    assert encoded == theirs.encode_batch(batch, allowed_special="all")
    assert ours.count_batch(batch, allowed_special="all").tolist() == encoded.lengths.tolist()


def test_special_tokens_are_refused_alike(pair):
    ours, theirs = pair
    text = "a<|endoftext|>"
    for call in ("encode", "encode_to_numpy", "encode_with_unstable"):
        for tokenizer in pair:
            with pytest.raises(ValueError, match="endoftext"):
                getattr(tokenizer, call)(text)
    for tokenizer in pair:
        with pytest.raises(ValueError, match="endoftext"):
            tokenizer.encode_batch(["fine", text])
    with pytest.raises(errors.DisallowedSpecialError, match="text 1 of the batch"):
        ours.encode_batch(["fine", text])
    options: Any = {"allowed_special": {"<|endoftext|>"}, "disallowed_special": "all"}
    assert ours.encode(text, **options) == theirs.encode(text, **options)


def test_decoding_is_the_same(pair):
    ours, theirs = pair
    for text in TEXTS:
        ids = theirs.encode(text, allowed_special="all")
        assert ours.decode(ids) == text
        assert ours.decode_bytes(ids) == theirs.decode_bytes(ids)
        assert ours.decode_tokens_bytes(ids) == theirs.decode_tokens_bytes(ids)
        assert ours.decode_with_offsets(ids) == theirs.decode_with_offsets(ids)
        broken = ids[1::2]
        assert ours.decode(broken) == theirs.decode(broken)
        assert ours.decode(broken, errors="ignore") == theirs.decode(broken, errors="ignore")
        assert [ours.is_special_token(id) for id in ids] == [
            theirs.is_special_token(id) for id in ids
        ]
    batch = [theirs.encode_ordinary(text) for text in TEXTS] * 40
    assert ours.decode_batch(batch) == theirs.decode_batch(batch)
    assert ours.decode_batch(Ragged.from_lists(batch), num_threads=4) == theirs.decode_batch(batch)
    assert ours.decode_bytes_batch(batch, num_threads=2) == theirs.decode_bytes_batch(batch)
    half = [theirs.encode_single_token(b"\xe6")]
    for tokenizer in pair:
        with pytest.raises(UnicodeDecodeError):
            tokenizer.decode(half, errors="strict")
        with pytest.raises(UnicodeDecodeError):
            tokenizer.decode_with_offsets(half)


def test_facts_are_the_same(pair):
    ours, theirs = pair
    for name in ("name", "n_vocab", "max_token_value", "eot_token", "special_tokens_set"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.special_tokens == theirs._special_tokens
    assert ours._special_tokens == theirs._special_tokens
    assert ours._mergeable_ranks == theirs._mergeable_ranks
    assert ours._mergeable_ranks is ours._mergeable_ranks
    assert ours._pat_str == theirs._pat_str
    assert ours.token_byte_values() == theirs.token_byte_values()
    assert repr(ours).startswith(f"<Tokenizer '{theirs.name}'")


def test_single_tokens_are_the_same(pair):
    ours, theirs = pair
    for token in ("hello", " the", "<|endoftext|>", b"\xff", b"\x00", "\n"):
        id = theirs.encode_single_token(token)
        assert ours.encode_single_token(token) == id
        assert ours.decode_single_token_bytes(id) == theirs.decode_single_token_bytes(id)
    for tokenizer in pair:
        for token in ("hello world and more", b"", "", b"\xff\xfe\xfd"):
            with pytest.raises(KeyError):
                tokenizer.encode_single_token(token)
        for id in (tokenizer.n_vocab, 2**32 - 1):
            with pytest.raises(KeyError):
                tokenizer.decode_single_token_bytes(id)
            with pytest.raises(KeyError):
                tokenizer.decode([id])
    with pytest.raises(errors.UnknownTokenError, match=rf"^id {2**32} at position 1"):
        ours.decode([0, 2**32])
    with pytest.raises(errors.UnknownTokenError, match=r"^id -1 at position 0"):
        ours.decode_bytes([-1])


PIECES = [b"hello", b" world", b"\xe6\x97", b"\x00\xff", b"a" * 60, b"   \n ", "日本".encode()]


def test_private_encoders_are_the_same(pair):
    ours, theirs = pair
    for piece in PIECES:
        assert ours._encode_single_piece(piece) == theirs._encode_single_piece(piece)
        assert ours._encode_bytes(piece) == theirs._encode_bytes(piece)
        whole = b"".join(PIECES)
        assert ours._encode_bytes(whole + piece) == theirs._encode_bytes(whole + piece)
    assert ours._encode_single_piece("hello") == theirs._encode_single_piece("hello")


byte_strings = st.lists(
    st.sampled_from([b" ", b"\n", b"\t", b"a", b"the", b"Z9", b"\xe6", b"\x97\xa5", b"\xff", b"'s"])
    | st.binary(max_size=4),
    max_size=12,
).map(b"".join)


@given(byte_strings)
def test_private_encoders_are_the_same_on_random_bytes(data):
    theirs = support.tiktoken_encoding("gpt2")
    ours = _gpt2()
    assert ours._encode_bytes(data) == theirs._encode_bytes(data)
    if data:
        assert ours._encode_single_piece(data) == theirs._encode_single_piece(data)


def _gpt2(kept: list[Tokenizer] = []) -> Tokenizer:  # noqa: B006  # made once
    if not kept:
        kept.append(Tokenizer.from_tiktoken(support.tiktoken_encoding("gpt2")))
    return kept[0]


def test_long_pieces_take_no_quadratic_time(made):
    ours, theirs = made("gpt2"), support.tiktoken_encoding("gpt2")
    piece = b"ab" * 20_000
    assert ours._encode_single_piece(piece) == theirs._encode_single_piece(piece)


UNSTABLE = [
    "",
    "hello fanta",
    "hello",
    " ",
    "a  ",
    "line\n\n",
    "line \n ",
    "x<|endoftext|>",
    "x<|endoftext|>yes an",
    "日",
    "function(arg",
    "1234",
    "'l",
    "tab\t\t",
]


@pytest.mark.parametrize("text", UNSTABLE)
def test_unstable_ends_are_the_same(pair, text):
    ours, theirs = pair
    stable, completions = ours.encode_with_unstable(text, allowed_special="all")
    expected, theirs_completions = theirs.encode_with_unstable(text, allowed_special="all")
    assert stable == expected
    assert len(completions) == len(theirs_completions)
    assert set(map(tuple, completions)) == set(map(tuple, theirs_completions))


@given(st.text(st.sampled_from("ab \n\té日'1"), max_size=8))
def test_unstable_ends_are_the_same_on_random_texts(text):
    theirs = support.tiktoken_encoding("small")
    ours = Tokenizer.from_tiktoken(theirs)
    stable, completions = ours.encode_with_unstable(text)
    expected, theirs_completions = theirs.encode_with_unstable(text)
    assert stable == expected
    assert set(map(tuple, completions)) == set(map(tuple, theirs_completions))


def test_the_end_token_of_other_vocabularies():
    for name, expected in (
        ("small-llama2.json", "</s>"),
        ("small-llama3.json", "<|end_of_text|>"),
        ("small-gemma.json", "<eos>"),
    ):
        tokenizer = Tokenizer.from_file(support.DATA / name)
        assert tokenizer.eot_token == tokenizer.special_tokens[expected]
    spec = Spec.from_ranks(support.read_ranks(support.DATA / "small.tiktoken"), pattern="gpt2")
    with pytest.raises(KeyError, match="no special token that is known to end a text"):
        _ = Tokenizer.from_spec(spec).eot_token


# --- texts ---------------------------------------------------------------------


def test_bytes_come_back_whatever_they_are(made, vocabulary):
    tokenizer = Tokenizer.from_file(support.vocabulary_file(vocabulary, "tokenizer.json"))
    every = bytes(range(256)) * 2 + "日本\u0301".encode()[1:-1] + b"\xf0\x9f\xa7"
    for data in (every, bytearray(every), memoryview(every)):
        assert tokenizer.decode_bytes(tokenizer.encode_ordinary(data)) == every  # type: ignore[arg-type]
    assert tokenizer.encode_batch([every, "text"]).tolist() == [
        tokenizer.encode(every),
        tokenizer.encode("text"),
    ]


def test_lone_surrogates_are_an_error_everywhere(small):
    text = "ab\ud800c"
    calls: list[Any] = [
        lambda: small.encode(text),
        lambda: small.encode_ordinary(text),
        lambda: small.encode_to_numpy(text),
        lambda: small.encode_batch(["fine", text]),
        lambda: small.count(text),
        lambda: small.count_batch([text]),
        lambda: small.encode_with_offsets(text),
        lambda: small.encode_with_unstable(text),
        lambda: small.pretokenize(text),
        lambda: small.encode_single_token(text),
    ]
    for call in calls:
        with pytest.raises(errors.SurrogateError, match="character 2"):
            call()


def test_wrong_types_are_a_type_error(small):
    wrong: Any
    for wrong in (None, 3, ["a"], {"a": 1}):
        with pytest.raises(TypeError):
            small.encode(wrong)
    for wrong in ("text", b"bytes", 3, [3], None, [None]):
        with pytest.raises(TypeError):
            small.encode_batch(wrong)
    for wrong in ("text", [1.5], ["1"], None, 3, np.array([1.5])):
        with pytest.raises(TypeError):
            small.decode(wrong)
    with pytest.raises(TypeError, match="collection of special"):
        small.encode("a", allowed_special="<|endoftext|>")
    with pytest.raises(errors.UnknownSpecialError, match="<x>"):
        small.encode("a", allowed_special={"<x>"})
    for threads in (0, -1):
        with pytest.raises((ValueError, OverflowError)):
            small.encode_batch(["a"], num_threads=threads)
        with pytest.raises(ValueError, match="num_threads"):
            small.decode_batch([[1]], num_threads=threads)


def test_offsets_cut_the_text_into_its_tokens(pair):
    ours, _ = pair
    for text in TEXTS:
        ids, byte_offsets, char_offsets = encoded = ours.encode_with_offsets(
            text, disallowed_special=()
        )
        assert encoded.ids is ids
        assert (ids.dtype, byte_offsets.dtype, char_offsets.dtype) == (
            np.uint32,
            np.int64,
            np.int64,
        )
        assert byte_offsets.shape == char_offsets.shape == (len(ids), 2)
        assert ids.tolist() == ours.encode_ordinary(text)
        data = text.encode()
        for id, (start, end), (first, last) in zip(ids, byte_offsets, char_offsets, strict=True):
            assert data[start:end] == ours.token_bytes(id)
            covered = text[first:last].encode()
            at = len(text[:first].encode())
            assert at <= start <= end <= at + len(covered)
            # No more characters than those that the token is part of.
            assert start - at < 4
            assert at + len(covered) - end < 4
        joined = b"".join(data[start:end] for start, end in byte_offsets)
        assert joined == data


def test_streams_never_give_half_a_character(pair):
    ours, theirs = pair
    text = "naïve 日本語 🧶👩‍👩‍👧 end"
    ids = theirs.encode_ordinary(text)
    for decoder in (ours.stream_decoder(), StreamDecoder(ours)):
        parts = [decoder.push(id) for id in ids] + [decoder.finish()]
        assert "".join(parts) == text
        assert "\ufffd" not in "".join(parts)


# --- Arrow -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["string", "large_string", "string_view", "binary", "large_binary", "binary_view"]
)
def test_arrow_arrays_are_read(small, kind):
    pa = pytest.importorskip("pyarrow")
    texts = [text for text in TEXTS if "<|" not in text]
    array = pa.array([text.encode() for text in texts]).cast(pa.string()).cast(getattr(pa, kind)())
    expected = [small.encode(text) for text in texts]
    empty = pa.chunked_array([], array.type)
    for source, rows in (
        (array, expected),
        (array[2:5], expected[2:5]),
        (array[:0], []),
        (pa.chunked_array([array, array[1:3], array[:0]]), expected + expected[1:3]),
        (empty, []),
        (pa.table({"text": array})["text"], expected),
    ):
        batch = small.encode_batch(source)
        assert batch == rows
        assert batch.dtype == np.uint32
        assert small.count_batch(source).tolist() == [len(row) for row in rows]


def test_arrow_dictionaries_and_faults(small):
    pa = pytest.importorskip("pyarrow")
    coded = pa.array(["a", "b", "a"]).dictionary_encode()
    for source in (coded, pa.chunked_array([coded, coded[1:]])):
        assert small.encode_batch(source) == [small.encode(text) for text in source.to_pylist()]
    nulls = pa.chunked_array([["a", "b"], ["c", None]])
    with pytest.raises(ValueError, match="row 3 is null"):
        small.encode_batch(nulls)
    with pytest.raises(ValueError, match="row 1 is null"):
        small.count_batch(pa.array(["a", None]))
    for wrong in (pa.array([1]), pa.table({"a": ["x"]}), pa.array([["a"]])):
        with pytest.raises(TypeError, match="strings or binaries"):
            small.encode_batch(wrong)
    special = pa.chunked_array([["a"], ["b", "<|endoftext|>"]])
    with pytest.raises(errors.DisallowedSpecialError, match=r"text 1 .*starts at row 1"):
        small.encode_batch(special)
    assert small.encode_batch(special, allowed_special="all")[2].tolist() == [small.eot_token]


def test_batches_go_to_arrow(small):
    pa = pytest.importorskip("pyarrow")
    array = pa.array(small.encode_batch(["hello world", "", "again"]))
    assert array.type == pa.large_list(pa.uint32())
    assert array.to_pylist() == [small.encode(text) for text in ("hello world", "", "again")]


# --- Hugging Face ------------------------------------------------------------------


@pytest.mark.parametrize("name", support.SMALL_JSON)
def test_hugging_face_objects_convert(name, hf_tokenizer):
    theirs = hf_tokenizer(name)
    ours = Tokenizer.from_hf(theirs)
    for text in TEXTS:
        for added in (False, True):
            ids = ours.encode(text, allowed_special="all", add_special_tokens=added)
            assert ids == theirs.encode(text, add_special_tokens=added).ids
    assert ours == Tokenizer.from_file(support.DATA / name).from_hf(theirs)


def test_transformers_objects_convert(hf_tokenizer):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.PreTrainedTokenizerFast(
        tokenizer_object=hf_tokenizer(support.SMALL_JSON[0])
    )
    assert Tokenizer.from_hf(theirs).encode("hello") == theirs("hello")["input_ids"]


def test_other_objects_are_a_type_error():
    for wrong in (None, "gpt2", object(), {}):
        with pytest.raises(TypeError, match="fast tokenizer of transformers"):
            Tokenizer.from_hf(wrong)
        with pytest.raises(TypeError, match=r"expected a tiktoken\.Encoding"):
            Tokenizer.from_tiktoken(wrong)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


# --- files -------------------------------------------------------------------------


@pytest.mark.parametrize("name", support.SMALL_JSON)
def test_saved_files_are_read_by_us_and_by_hugging_face(name, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    ours = Tokenizer.from_file(support.DATA / name)
    path = tmp_path / "tokenizer.json"
    ours.save(path)
    theirs = tokenizers.Tokenizer.from_file(str(path))
    again = Tokenizer.from_file(path)
    for text in TEXTS:
        ids = ours.encode(text, allowed_special="all", add_special_tokens=True)
        assert again.encode(text, allowed_special="all", add_special_tokens=True) == ids
        assert theirs.encode(text).ids == ids
        assert theirs.decode(ids, skip_special_tokens=False) == ours.decode(ids)


def test_saved_rank_files_are_read_by_us_and_by_tiktoken(small, tmp_path):
    path = tmp_path / "small.tiktoken"
    small.save(path)
    assert names(tmp_path) == ["small.special.json", "small.tiktoken"]
    beside = json.loads((tmp_path / "small.special.json").read_text(encoding="utf-8"))
    theirs = tiktoken.Encoding(
        "again",
        pat_str=beside["pattern"],
        mergeable_ranks=support.read_ranks(path),
        special_tokens=beside["special_tokens"],
    )
    again = Tokenizer.from_file(path)
    for text in TEXTS:
        ids = small.encode(text, allowed_special="all")
        assert again.encode(text, allowed_special="all") == ids
        assert theirs.encode(text, allowed_special="all") == ids
    assert again.special_tokens == small.special_tokens
    # What is given counts more than what lies beside.
    given = Tokenizer.from_file(path, pattern="gpt2", special_tokens={"<x>": 5000})
    assert given.special_tokens == {"<x>": 5000}


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"pattern": 3}', '{"special_tokens": []}', "[" * 10**5]
)
def test_a_broken_file_beside_a_rank_file_is_an_error(small, tmp_path, text):
    path = tmp_path / "small.tiktoken"
    small.save(path)
    (tmp_path / "small.special.json").write_text(text)
    with pytest.raises(errors.LoadError, match=r"small\.special\.json"):
        Tokenizer.from_file(path)


def test_files_are_written_whole_or_not_at_all(small, tmp_path):
    path = tmp_path / "out.json"
    path.write_text("as before")
    directory = tmp_path / "directory"
    directory.mkdir()
    for target in (tmp_path / "absent" / "out.json", directory):
        with pytest.raises(errors.SaveError, match="cannot write"):
            small.save(target)
    llama = Tokenizer.from_file(support.DATA / "small-llama2.json")
    with pytest.raises(errors.InexpressibleError):
        llama.save(path, format="tiktoken")
    assert path.read_text() == "as before"
    with pytest.raises(ValueError, match="format must be"):
        small.save(path, format="xml")
    assert names(tmp_path) == ["directory", "out.json"]
    small.save(str(path))
    assert Tokenizer.from_file(path).encode("hello") == small.encode("hello")


def test_missing_and_broken_files_are_load_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        Tokenizer.from_file(tmp_path / "absent.json")
    with pytest.raises(errors.LoadError):
        Tokenizer.from_file(tmp_path)
    path = tmp_path / "a.json"
    path.write_bytes((support.DATA / "small.tokenizer.json").read_bytes()[:-100])
    with pytest.raises(errors.FormatError):
        Tokenizer.from_file(path)
    with pytest.raises(errors.UnsupportedError, match="from_pretrained"):
        Tokenizer.default()


# --- being an object ------------------------------------------------------------------


def test_equal_tokenizers_are_equal_and_have_equal_pickles(made, tiktoken_vocabulary):
    one = made(tiktoken_vocabulary)
    two = Tokenizer.from_tiktoken(support.tiktoken_encoding(tiktoken_vocabulary))
    two.encode("some work in between 日本語")
    _ = two._mergeable_ranks
    assert one == two
    assert hash(one) == hash(two)
    assert len({one, two}) == 1
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        dumped = pickle.dumps(one, protocol)
        assert pickle.dumps(two, protocol) == dumped
        again = pickle.loads(dumped)
        assert type(again) is Tokenizer
        assert again == one
        assert again.name == one.name
        assert again.cache_bytes == one.cache_bytes
        assert pickle.dumps(again, protocol) == dumped
    assert pickle.loads(pickle.dumps(one.spec)) == one.spec


def test_pickles_are_equal_across_processes(small):
    code = (
        "import sys, pickle, hashlib\n"
        "from tests import support\n"
        "from tokenseam import Tokenizer\n"
        "tokenizer = Tokenizer.from_tiktoken(support.tiktoken_encoding('small'))\n"
        "print(hashlib.sha256(pickle.dumps(tokenizer, 5)).hexdigest(), hash(tokenizer))\n"
    )
    found = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=support.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    import hashlib

    found.add(f"{hashlib.sha256(pickle.dumps(small, 5)).hexdigest()} {hash(small)}\n")
    assert len(found) == 1


def test_different_tokenizers_are_different(small):
    ranks = support.read_ranks(support.DATA / "small.tiktoken")
    others = [
        Tokenizer.from_spec(Spec.from_ranks(ranks, pattern="cl100k")),
        Tokenizer.from_spec(Spec.from_ranks(ranks, pattern=small._pat_str)),
        Tokenizer.from_file(support.DATA / "small-llama2.json"),
    ]
    for other in others:
        assert small != other
    assert small != "small"
    assert small != support.tiktoken_encoding("small")


def test_copies_are_the_object_itself(small):
    assert copy.copy(small) is small
    assert copy.deepcopy({"a": small})["a"] is small


def test_tokenizers_cannot_be_changed(small):
    for name in ("name", "n_vocab", "_memo", "anything"):
        with pytest.raises(AttributeError):
            setattr(small, name, 1)
        with pytest.raises(AttributeError):
            delattr(small, name)
    special = small.special_tokens
    special["x"] = 1
    assert "x" not in small.special_tokens


def test_subclasses_stay_what_they_are(small):
    own = Own.from_spec(small.spec, cache_bytes=4096 * 16)
    assert isinstance(own, Own)
    again = pickle.loads(pickle.dumps(own))
    assert type(again) is Own
    assert again.cache_bytes == own.cache_bytes == 4096 * 16
    assert again.twice("a") == small.encode("aa")


class Own(Tokenizer):
    """A user's class."""

    def twice(self, text: str) -> list[int]:
        return self.encode(text * 2)


def test_threads_share_a_tokenizer(made, tiktoken_vocabulary):
    ours, theirs = made(tiktoken_vocabulary), support.tiktoken_encoding(tiktoken_vocabulary)
    expected = [theirs.encode_ordinary(text) for text in TEXTS]
    barrier = threading.Barrier(8)

    def work(_: int) -> bool:
        barrier.wait()
        for _ in range(20):
            assert [ours.encode_ordinary(text) for text in TEXTS] == expected
            assert ours.encode_batch(TEXTS, disallowed_special=(), num_threads=2) == expected
            assert len(ours._mergeable_ranks) == len(theirs._mergeable_ranks)
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def _in_child(tokenizer: Tokenizer) -> list[list[int]]:
    return tokenizer.encode_batch(TEXTS, disallowed_special=(), num_threads=2).tolist()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_child_processes_can_use_a_tokenizer(small, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this platform has no {method}")
    expected = _in_child(small)
    context = multiprocessing.get_context(method)
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            small.encode_batch(TEXTS * 50, disallowed_special=(), num_threads=2)

    # Forked in the middle of a batch of another thread.
    busy = threading.Thread(target=keep_busy)
    busy.start()
    try:
        for _ in range(5 if method == "fork" else 1):
            with context.Pool(2) as pool:
                found = pool.map_async(_in_child, [small] * 4).get(timeout=120)
            assert found == [expected] * 4
    finally:
        stop.set()
        busy.join()


def test_daemon_threads_at_exit_are_no_crash():
    code = (
        "import threading, time\n"
        "from tests import support\n"
        "from tokenseam import Tokenizer\n"
        "tokenizer = Tokenizer.from_file(support.DATA / 'small.tokenizer.json')\n"
        "def work():\n"
        "    while True: tokenizer.encode_batch(['some text and more'] * 1000, num_threads=2)\n"
        "for _ in range(4): threading.Thread(target=work, daemon=True).start()\n"
        "time.sleep(0.3)\n"
    )
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=support.ROOT,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_the_package_lists_what_it_has():
    import tokenseam

    for name in tokenseam.__all__:
        assert getattr(tokenseam, name) is not None
        assert name in dir(tokenseam)
    with pytest.raises(AttributeError, match="nothing"):
        _ = tokenseam.nothing
    assert (Path(tokenseam.__file__).parent / "py.typed").exists()
