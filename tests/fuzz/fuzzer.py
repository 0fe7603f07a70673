"""Coverage-guided fuzzing of one target with atheris.

    scripts/fuzz TARGET [--minutes N] [--seed S]

The inputs to begin with are those that the target makes and those of `tests/fuzz/corpus/TARGET`.
What reached new code is added there, the smallest first, up to 48 KB for a target; a finding is
put beside it. `tests/fuzz/test_targets.py` feeds every file of the corpus to its target, so a
finding is a failing test until its cause is cured.
"""

import argparse
import importlib
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
FINDING = "finding-"
_PROGRAM = (sys.executable, "-m", "tests.fuzz.fuzzer")
_CORPUS_BYTES = 48 * 1024
_INPUT_BYTES = 32 * 1024
_ONE_INPUT_S = 25
_MEMORY_MB = 2048
_ARTIFACTS = ("crash-", "timeout-", "oom-", "leak-")


def main() -> None:
    from tests.fuzz.targets import TARGETS

    options = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__.splitlines()[0])
    options.add_argument("target", choices=sorted(TARGETS))
    options.add_argument("--minutes", type=float, default=1.0)
    options.add_argument("--seed", type=int, default=0, help="0: another one at each run")
    args = options.parse_args()
    corpus = CORPUS / args.target
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="compliance-fuzz-") as directory:
        home = Path(directory)
        found = _fuzzed(args.target, corpus, home, args.minutes * 60, args.seed)
        _grow(corpus, args.target, home)
        sys.exit(_keep_findings(corpus, found))


def _fuzzed(target: str, corpus: Path, home: Path, seconds: float, seed: int) -> list[Path]:
    """The inputs that the target failed at."""
    seeds, reached, findings = home / "seeds", home / "reached", home / "findings"
    for directory in (seeds, reached, findings):
        directory.mkdir()
    write_seeds(target, seeds)
    _run(
        target,
        f"-artifact_prefix={findings}/",
        f"-max_total_time={int(seconds)}",
        f"-max_len={_INPUT_BYTES}",
        f"-timeout={_ONE_INPUT_S}",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-seed={seed}",
        "-print_final_stats=1",
        str(reached),
        str(corpus),
        str(seeds),
    )
    return sorted(path for path in findings.iterdir() if path.name.startswith(_ARTIFACTS))


def write_seeds(target: str, directory: Path) -> None:
    from tests.fuzz.targets import TARGETS

    for at, content in enumerate(TARGETS[target].seeds()):
        (directory / f"{at:03}").write_bytes(content)


def _grow(corpus: Path, target: str, home: Path) -> None:
    """Keep what covers anything that neither the seeds nor smaller inputs do."""
    merged = home / "merged"
    merged.mkdir()
    shutil.copytree(home / "seeds", merged, dirs_exist_ok=True)
    known = {path.name for path in merged.iterdir()}
    _run(target, "-merge=1", f"-timeout={_ONE_INPUT_S}", str(merged), str(home / "reached"))
    left = _CORPUS_BYTES - sum(path.stat().st_size for path in corpus.iterdir())
    new = [path for path in merged.iterdir() if path.name not in known]
    for path in sorted(new, key=lambda path: path.stat().st_size):
        left -= path.stat().st_size
        if left < 0:
            break
        shutil.copy(path, corpus / _name(path))


def _name(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:16]


def _keep_findings(corpus: Path, findings: Sequence[Path]) -> int:
    for path in findings:
        kept = corpus / f"{FINDING}{_name(path)}"
        shutil.copy(path, kept)
        print(f"a finding: {kept}; pytest tests/fuzz -k {kept.name} shows it")
    return 1 if findings else 0


def _run(target: str, *arguments: str) -> None:
    """The library ends its process, so it has one of its own."""
    subprocess.run([*_PROGRAM, "--run", target, *arguments], check=False)


def run(target: str, arguments: Sequence[str]) -> None:
    """Fuzz in this process, with the library's own arguments."""
    import atheris

    with atheris.instrument_imports(include=["schemas", "spool", "stages", "fleet"]):
        from stages.formats import registry as formats
        from stages.scanners import registry
        from tests.fuzz.targets import TARGETS

        # They are imported when they are used, which would be too late to follow them.
        registry.import_readers()
        for module in formats.MODULES.values():
            importlib.import_module(module)

    chosen = TARGETS[target]

    def change_bytes(text: bytes) -> bytes:
        return bytes(atheris.Mutate(text, max(len(text), 16)))

    def changed(content: bytes, max_size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chosen.mutate is None or chance.random() < 0.3:
            return bytes(atheris.Mutate(content, max_size))
        return chosen.mutate(content, change_bytes, chance)[:max_size]

    mutator = {"custom_mutator": changed} if chosen.mutate is not None else {}
    # A merge starts this program again, by a shell.
    program = " ".join((*_PROGRAM, "--run", target))
    atheris.Setup([program, *arguments], chosen.feed, **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(sys.argv[2], sys.argv[3:])
    main()
