"""Print the path of a quickfix wheel, compiled once for this machine from the locked sdist.

quickfix comes as source alone: 54 C++ files. Its setup.py compiles one after the other, fully optimised, and
reads the same headers again for each. Here the engine is compiled as one file, beside the Python glue (of 5.8
MB, which takes longest). -O1 parses as fast as -O2 and compiles in half the time.
"""

import hashlib
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements" / "runtime.txt"
APART = (
    "QuickfixPython.cpp",
    "pugixml.cpp",
)  # the glue, and a library of its own: both compiled by themselves
FLAGS = ["-O1", "-g0", "-w"]
USUAL_MINUTES = "2"


def main() -> None:
    """Find the wheel in the cache or build it there; the last line of the output is its path."""
    requirement = locked_requirement(LOCK.read_text())
    folder = cache_folder() / cache_key(requirement)
    if not list(folder.glob("*.whl")):
        say(f"compiling quickfix once, about {USUAL_MINUTES} minutes on 2 free cores; cached in {folder}")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            started = time.monotonic()
            wheel = build(unpack(download(requirement, Path(work))))
            wheel.replace(folder / wheel.name)
            say(f"quickfix compiled in {(time.monotonic() - started) / 60:.1f} minutes")
    print(next(folder.glob("*.whl")))


def locked_requirement(lock: str) -> str:
    """Return the line of quickfix and its hashes as they stand in the lock."""
    _, found, rest = lock.partition("\nquickfix==")
    if not found:
        raise SystemExit(f"{LOCK} names no quickfix: run scripts/lock")
    lines = rest.splitlines()
    last = next(index for index, line in enumerate(lines) if not line.endswith("\\"))
    return "quickfix==" + "\n".join(lines[: last + 1]) + "\n"


def cache_folder() -> Path:
    """Return the folder of all cached wheels, outside of the checkout so that the next clone finds it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "yakujo" / "wheels"


def cache_key(requirement: str) -> str:
    """Name what the compiled wheel depends on: source, flags, interpreter, platform and C library."""
    tags = [sys.implementation.cache_tag, sysconfig.get_platform(), *platform.libc_ver()]
    source = hashlib.sha256(f"{requirement}{FLAGS}".encode()).hexdigest()[:16]
    version = requirement.split(maxsplit=1)[0].replace("==", "-")
    return "-".join([version, source, *filter(None, tags)])


def download(requirement: str, work: Path) -> Path:
    """Fetch the sdist; pip refuses it when its hash is not the locked one."""
    wanted = work / "quickfix.txt"
    wanted.write_text(requirement)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    source = ["--require-hashes", "--no-binary", "quickfix", "--no-build-isolation"]
    subprocess.run(
        [*pip, *source, "--dest", str(work), "--requirement", str(wanted)], check=True, stdout=sys.stderr
    )
    return next(work.glob("quickfix-*.tar.gz"))


def unpack(sdist: Path) -> Path:
    """Unpack the source beside the sdist and return its folder."""
    subprocess.run(["tar", "-xzf", sdist.name], check=True, cwd=sdist.parent)
    return sdist.parent / sdist.name.removesuffix(".tar.gz")


def build(source: Path) -> Path:
    """Build the wheel with setuptools, in a process of its own: setup.py looks for files where it runs."""
    subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__).resolve()), "--build"],
        check=True,
        cwd=source,
        stdout=sys.stderr,
    )
    return next((source / "dist").glob("*.whl"))


def build_here() -> None:
    """Run the setup.py of the working directory with a build_ext of ours."""
    import setuptools  # noqa: F401, I001, PLC0415 -- must come before distutils, and only this process needs it
    from distutils.core import run_setup  # noqa: PLC0415 -- setuptools brings it

    distribution = run_setup("setup.py", script_args=["--quiet", "bdist_wheel"], stop_after="commandline")
    distribution.cmdclass["build_ext"] = parallel_build_ext()
    distribution.run_commands()


def parallel_build_ext() -> type:
    """Return setuptools' command with the compiling of the one extension spread over the cores."""
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415 -- not needed to look into the cache
    from setuptools.errors import CompileError  # noqa: PLC0415 -- the same

    class ParallelBuildExt(build_ext):  # type: ignore[misc]  # setuptools is untyped
        def build_extension(self, ext: Any) -> None:
            apart = [name for name in ext.sources if Path(name).name in APART]
            engine = sorted({*ext.sources} - {*apart})
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                jobs = [pool.submit(self.compile, ext, each) for each in [*apart, *self.as_one(engine)]]
                try:
                    objects = [job.result() for job in jobs]
                except CompileError:  # another compiler may not take the engine as one file
                    objects = list(pool.map(lambda name: self.compile(ext, name), [*apart, *engine]))
            ext.sources, ext.extra_objects, ext.language = [], objects, "c++"
            super().build_extension(ext)

        def as_one(self, names: list[str]) -> list[str]:
            whole = Path("engine.cpp")
            whole.write_text("".join(f'#include "{name}"\n' for name in names))
            return [str(whole)]

        def compile(self, ext: Any, name: str) -> str:
            flags = [*ext.extra_compile_args, *FLAGS]
            folders = {"output_dir": self.build_temp, "include_dirs": ext.include_dirs}
            (made,) = self.compiler.compile([name], extra_postargs=flags, **folders)
            return str(made)

    return ParallelBuildExt


def say(text: str) -> None:
    """Tell the person who waits; standard output is kept for the path."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    build_here() if "--build" in sys.argv else main()
