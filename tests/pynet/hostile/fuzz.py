"""Let atheris (pip install atheris) look by coverage for bytes that a reader falls over.

For as long as you like::

    python tests/pynet/hostile/fuzz.py values -max_total_time=600

It begins with the corpus in ``corpus/values`` and keeps what it finds in ``build/fuzz``; arguments
are those of libFuzzer. What was found to fail belongs into the corpus, with the fix. ``--seeds``
writes the seeds of the corpus anew.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def write_seeds() -> None:
    """Put the seeds into the corpus."""
    from tests.pynet.hostile.readers import CORPUS, seeds

    for name, messages in seeds().items():
        (CORPUS / name).mkdir(parents=True, exist_ok=True)
        for number, message in zip(itertools.count(), messages, strict=False):
            (CORPUS / name / f"seed-{number}").write_bytes(message)


def main() -> None:
    """Run."""
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:] == ["--seeds"]:
        write_seeds()
        return
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed here: pip install atheris")
    with atheris.instrument_imports(include=["pynet", "spake2"]):
        from tests.pynet.hostile.readers import CORPUS, READERS
    if len(sys.argv) < 2 or sys.argv[1] not in READERS:
        sys.exit(f"usage: fuzz.py {{{','.join(READERS)}}} [libFuzzer's arguments], or --seeds")
    name = sys.argv[1]
    finds = ROOT / "build" / "fuzz" / name
    finds.mkdir(parents=True, exist_ok=True)
    where = [str(finds), str(CORPUS / name), f"-artifact_prefix={finds}-", "-max_len=4096"]
    atheris.Setup([sys.argv[0], *where, *sys.argv[2:]], READERS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
