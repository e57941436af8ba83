"""Every code block of the README and of the site runs and prints what is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs_blocks import BlockError, blocks, run_page
from tests.support import ROOT

PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
)


@pytest.mark.thread_unsafe(reason="changes the working directory")
@pytest.mark.parametrize("page", PAGES)
def test_page(page: str, tmp_path: Path):
    for name in ("README.md", "examples", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    run_page(page, (ROOT / page).read_text(encoding="utf-8"), tmp_path)


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_that_pages_name_exist(page: str):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^\$ |`)make ([a-z-]+)", text, re.MULTILINE))
    assert named <= known


# The runner itself: it must notice what is wrong.

GOOD = """
```python
x = 20 + 1
```

```python
print(x * 2)
```

```text
42
```

```console
$ echo one; echo two; echo three
one
...
three
$ cat tests/nothing
...
[exit status 1]
```

```json
{"a": 1}
```

<!-- not run: it would never end -->
```python
while True: pass
```
"""


def test_a_good_page_passes(tmp_path: Path):
    run_page("page.md", GOOD, tmp_path)


@pytest.mark.parametrize(
    ("change", "to", "message"),
    [
        ("42\n", "43\n", r"page\.md:7: the page shows\n    43\nbut it prints\n    42"),
        ("x = 20", "x = y", r"page\.md:3: raised NameError"),
        ("x = 20 + 1", "print(1)", r"page\.md:3: the page shows\nbut it prints\n    1"),
        ("\n...\nthree", "\n...\nfour", r"page\.md:15: "),
        ("[exit status 1]", "", r"ended with 1, not 0"),
        ("$ cat tests/nothing", "$ true", r"ended with 0, not 1"),
        ("```json", "```bash", r"bash is not checked"),
        ("```json", "```", r"a block without a language is not checked"),
        ("it would never end", "", r"needs a reason"),
        ("pass\n```", "pass\n", r"page\.md:\d+: the block that opens here is never closed"),
        ("$ echo one", "echo one", r"starts with a command"),
    ],
)
def test_a_bad_page_fails(change: str, to: str, message: str, tmp_path: Path):
    assert GOOD.count(change) >= 1
    with pytest.raises(BlockError, match=message):
        run_page("page.md", GOOD.replace(change, to, 1), tmp_path)


def test_indented_and_longer_fences():
    text = "- item\n\n    ```python\n    if True:\n        a = 1\n    ```\n\n````text\n```\n````\n"
    first, second = blocks("page.md", text)
    assert first.code == "if True:\n    a = 1\n"
    assert first.line == 4
    assert second.code == "```\n"
