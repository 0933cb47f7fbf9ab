"""The app prepares its process when it is imported: tested in processes of their own."""

import os
import subprocess
import sys

import pytest

_GLIBC = hasattr(os, "confstr") and "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {})

_COUNT_HEAPS = """
import ctypes, pathlib, sys, tempfile, threading
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.fclose.argtypes = [ctypes.c_void_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
barrier = threading.Barrier(8)
def allocate():
    barrier.wait()
    libc.malloc(100_000)
    barrier.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "heaps.xml")
    file = libc.fopen(str(path).encode(), b"w")
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(path.read_text().count("<heap nr="))
"""


def _run(program: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(not _GLIBC, reason="only glibc gives each thread a heap of its own")
def test_importing_the_app_gives_all_threads_one_heap_without_an_app_setting() -> None:
    assert _run("import function_app" + _COUNT_HEAPS) == "1"
    assert int(_run(_COUNT_HEAPS)) > 1


def test_importing_the_app_keeps_requests_of_the_azure_sdks_out_of_the_log() -> None:
    levels = "import function_app, logging; logging.getLogger().setLevel(1); "
    shown = "print([logging.getLogger(n).isEnabledFor(s) for n in ('azure', 'azure.core.pipeline') for s in (20, 30)])"
    assert _run(levels + shown) == "[False, True, False, True]"
