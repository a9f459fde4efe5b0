"""Runs llama.cpp's own HTTP server, from the `xllamacpp` wheel, in the foreground.

    python -m nexus.simulator.llamacpp_process MODEL.gguf --port 0 --alias tiny-llama

Prints `listening URL` when it accepts requests and exits on SIGTERM, SIGINT, or when standard input
ends, which it does when the process that started it is gone.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Any


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until told to stop. Never returns: llama.cpp's own teardown can take seconds."""
    options = _parser().parse_args(arguments)
    done = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        done.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    url = _start(options)
    sys.stdout.write(f"listening {url}\n")
    sys.stdout.flush()
    # Nobody reads on: a full pipe would stop the server in the middle of a log line.
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    if not options.keep:
        threading.Thread(target=_watch_parent, args=(done,), name="parent", daemon=True).start()
    # A bare wait would never let Windows deliver Ctrl+C.
    while not done.wait(0.5):
        pass
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m nexus.simulator.llamacpp_process")
    parser.add_argument("model", help="path of a GGUF file")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--alias", default="tiny-llama", help="name of the model to clients")
    parser.add_argument("--parallel", type=int, default=2, help="slots")
    parser.add_argument("--ctx", type=int, default=2048, help="tokens per slot")
    parser.add_argument("--embedding", action="store_true", help="also serve embeddings")
    parser.add_argument("--keep", action="store_true", help="do not watch standard input")
    return parser


def _start(options: argparse.Namespace) -> str:
    """Start the server's threads; its URL."""
    # Any: a compiled package without types.
    xllamacpp: Any = import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.model_alias = {options.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_parallel = options.parallel
    params.n_ctx = options.ctx * options.parallel
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_threads_http = options.parallel + 6
    params.endpoint_metrics = True
    params.endpoint_slots = True
    params.endpoint_props = True
    params.warmup = False
    params.fit_params = False
    params.cache_ram_mib = 0
    params.verbosity = 1
    params.use_jinja = True
    if options.embedding:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        params.n_batch = params.n_ubatch = params.n_ctx
    server = xllamacpp.Server(params)
    _servers.append(server)
    return str(server.listening_address)


_servers: list[object] = []
"""Holds the server: it stops when it is collected."""


def _watch_parent(done: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    done.set()


if __name__ == "__main__":
    main()
