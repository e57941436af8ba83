"""One tokenizer on many threads, across forks, at interpreter exit, pickled."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tokenseam

from tests import strings, support

TEXTS = list(strings.random_strings(300, "threads"))
#: What finds the package in a fresh interpreter, however it is found here.
PATHS = os.pathsep.join([str(Path(tokenseam.__file__).parents[1]), str(support.ROOT)])


def small(cache_bytes: int | None = None) -> tokenseam.Tokenizer:
    return tokenseam.Tokenizer.from_file(
        support.DATA / "small.tokenizer.json", cache_bytes=cache_bytes
    )


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": PATHS} | environment,
        check=False,
    )


@pytest.mark.parametrize("cache_bytes", [None, 0, 1 << 12])
def test_threads_share_a_tokenizer(cache_bytes):
    tokenizer = small(cache_bytes)
    expected = [small().encode_ordinary(text) for text in TEXTS]
    start = threading.Barrier(16)

    def work(number: int) -> bool:
        start.wait()
        order = TEXTS[number:] + TEXTS[:number]
        wanted = expected[number:] + expected[:number]
        if number % 4 == 0:
            ids = tokenizer.encode_batch(order, num_threads=2, disallowed_special=()).tolist()
        else:
            ids = [tokenizer.encode_ordinary(text) for text in order]
        return ids == wanted and tokenizer.decode_batch(ids) == order

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(16)))


def test_results_do_not_depend_on_the_number_of_threads():
    tokenizer = small()
    texts = [*TEXTS, "", *TEXTS[:7], "a" * 20_000]
    one = tokenizer.encode_batch(texts, num_threads=1, disallowed_special=())
    for threads in (*range(2, 17), None):
        batch = tokenizer.encode_batch(texts, num_threads=threads, disallowed_special=())
        assert np.array_equal(batch.values, one.values)
        assert np.array_equal(batch.offsets, one.offsets)


def test_caches_do_not_change_results():
    texts = TEXTS * 2
    sizes = (0, 1, 1 << 10, 1 << 16, 1 << 22)
    rows = [small(size).encode_batch(texts, disallowed_special=()).tolist() for size in sizes]
    assert all(row == rows[0] for row in rows)


FORK = """
import os, sys, threading
import tokenseam
tokenizer = tokenseam.Tokenizer.from_file(sys.argv[1] if len(sys.argv) > 1 else PATH)
texts = ["some words, 123 numbers; und Wörter " * 40] * 200
expected = tokenizer.encode_batch(texts).tolist()
stop = threading.Event()
def work():
    while not stop.is_set():
        tokenizer.encode_batch(texts, num_threads=4)
        tokenizer.encode(texts[0])
workers = [threading.Thread(target=work) for _ in range(3)]
for worker in workers:
    worker.start()
good = 0
for _ in range(20):
    child = os.fork()
    if not child:
        code = 1
        try:
            same = tokenizer.encode_batch(texts, num_threads=4).tolist() == expected
            same = same and tokenizer.encode(texts[0]) == expected[0]
            code = 0 if same else 2
        finally:
            os._exit(code)
    good += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
stop.set()
for worker in workers:
    worker.join()
print(good)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_children_forked_during_a_batch_encode():
    code = f"PATH = {str(support.DATA / 'small.tokenizer.json')!r}\n{FORK}"
    done = python(code)
    assert (done.returncode, done.stdout) == (0, "20\n"), done.stderr


EXIT = """
import sys, threading, time
import tokenseam
tokenizer = tokenseam.Tokenizer.from_file(PATH)
texts = ["some words, 123 numbers; und Wörter " * 400] * 50
started = threading.Event()
def work():
    while True:
        started.set()
        ids = tokenizer.encode_batch(texts, num_threads=3)
        tokenizer.encode(texts[0])
        tokenizer.decode(ids[0])
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
started.wait()
time.sleep(float(DELAY))
"""


def test_daemon_threads_still_encoding_at_exit():
    path = str(support.DATA / "small.tokenizer.json")
    for run in range(20):
        done = python(f"PATH = {path!r}; DELAY = {run * 0.003}\n{EXIT}")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", [*support.SMALL_JSON, "small-tekken.json"])
def test_pickles_are_the_same_bytes_in_every_process(name):
    code = (
        "import hashlib, pickle, tokenseam\n"
        f"tokenizer = tokenseam.Tokenizer.from_file({str(support.DATA / name)!r})\n"
        "tokenizer.encode_ordinary('some use of it')\n"
        "for protocol in range(2, 6):\n"
        "    print(hashlib.sha256(pickle.dumps(tokenizer, protocol)).hexdigest())\n"
    )
    outputs = [python(code, PYTHONHASHSEED=seed) for seed in ("0", "1", "12345")]
    assert outputs[0].returncode == 0, outputs[0].stderr
    assert outputs[0].stdout.count("\n") == 4
    assert {output.stdout for output in outputs} == {outputs[0].stdout}
    tokenizer = tokenseam.Tokenizer.from_file(support.DATA / name)
    again = pickle.dumps(pickle.loads(pickle.dumps(tokenizer)))
    assert again == pickle.dumps(tokenizer)


@pytest.mark.parametrize("name", [*support.SMALL_JSON, "small-tekken.json"])
def test_copies_are_equal_and_encode_alike(name):
    tokenizer = tokenseam.Tokenizer.from_file(support.DATA / name)
    copies = [
        pickle.loads(pickle.dumps(tokenizer)),
        copy.copy(tokenizer),
        copy.deepcopy(tokenizer),
        tokenseam.Tokenizer.from_spec(tokenizer.spec),
        tokenseam.Tokenizer.from_file(support.DATA / name),
    ]
    expected = tokenizer.encode_batch(TEXTS, disallowed_special=()).tolist()
    for other in copies:
        assert other == tokenizer
        assert hash(other) == hash(tokenizer)
        assert other.encode_batch(TEXTS, disallowed_special=()).tolist() == expected
    assert len({tokenizer, *copies}) == 1


def test_different_content_is_not_equal():
    tokenizers = [tokenseam.Tokenizer.from_file(support.DATA / name) for name in support.SMALL_JSON]
    assert len(set(tokenizers)) == len(tokenizers)
    for at, tokenizer in enumerate(tokenizers):
        assert [other == tokenizer for other in tokenizers].count(True) == 1
        assert tokenizers[at] != "a tokenizer"


def test_memory_stays_bounded_over_unseen_text():
    """Far more distinct pre-tokens than the cache holds."""
    code = (
        "import resource, tokenseam\n"
        f"tokenizer = tokenseam.Tokenizer.from_file({str(support.DATA / 'small.tokenizer.json')!r},"
        " cache_bytes=1 << 20)\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "def use(part):\n"
        "    for block in range(20):\n"
        "        first = (part * 20 + block) * 10_000\n"
        "        text = ' '.join(f'w{n:x}q{n * 7919:x}' for n in range(first, first + 10_000))\n"
        "        tokenizer.count(text)\n"
        "use(0); before = peak()\n"
        "for part in range(1, 6): use(part)\n"
        "print((peak() - before) // 1024)\n"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 8, "MiB more after five times the text"
