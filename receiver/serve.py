"""`python -m receiver`: run a receiver until SIGTERM or SIGINT.

Standard output gets one line with the address, and with `--generate` two more with the new
credentials. Each request is one line on standard error. A signal ends it with exit code 0.
"""

import argparse
import json
import signal
import sys
import threading
from contextlib import closing
from pathlib import Path

from receiver.errors import ReceiverError
from receiver.hosts import generate_credentials
from receiver.policy import MAX_BODY, POSTS_PER_MINUTE, Policy
from receiver.server import Receiver
from receiver.store import StoreError
from schemas.settings import ApiSettings
from stages.patchmon import credentials
from stages.patchmon.credentials import Credentials, NoCredentials
from stages.runtime.exits import Exit
from stages.runtime.logs import Log

DESCRIPTION = "Runs a small PatchMon server that receives scans, for development and tests."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=_address,
        default=("127.0.0.1", 8080),
        help="(default: 127.0.0.1:8080; port 0 is any free one)",
    )
    parser.add_argument(
        "--database", metavar="FILE", type=Path, help="SQLite file (default: in memory)"
    )
    parser.add_argument("--api-id", metavar="ID", help="the host that may send")
    parser.add_argument(
        "--api-key-file", metavar="FILE", type=Path, help="a file with nothing but its key"
    )
    parser.add_argument(
        "--generate", action="store_true", help="make new credentials, and print them"
    )
    parser.add_argument("--json", action="store_true", help="print the address as JSON")
    parser.add_argument(
        "--max-body",
        metavar="BYTES",
        type=_positive,
        default=MAX_BODY,
        help="(default: %(default)s)",
    )
    parser.add_argument(
        "--posts-per-minute",
        metavar="N",
        type=_positive,
        default=POSTS_PER_MINUTE,
        help="(default: %(default)s)",
    )


def run(args: argparse.Namespace) -> Exit:
    if args.generate:
        host = generate_credentials()
    else:
        host = _credentials(args.api_id, args.api_key_file)
    policy = Policy(hosts=(host,), max_body=args.max_body, posts_per_minute=args.posts_per_minute)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    address, port = args.listen
    try:
        receiver = Receiver(
            policy, database=args.database, host=address, port=port, log=Log("receiver").info
        )
    except StoreError as error:
        raise ReceiverError(str(error)) from error
    with closing(receiver):
        try:
            receiver.start()
        except OSError as error:
            raise ReceiverError(
                f"{address}:{port}: can't listen: {error.strerror}: choose another --listen"
            ) from error
        _print_address(receiver, args.generate, args.json)
        stop.wait()
    return Exit.OK


def _credentials(api_id: str | None, key_file: Path | None) -> Credentials:
    if api_id is None or key_file is None:
        raise ReceiverError(
            "no credentials: give --api-id and --api-key-file, or --generate", Exit.USAGE
        )
    found = credentials.find(ApiSettings(id=api_id, key_file=str(key_file.absolute())), None, {})
    if isinstance(found, NoCredentials):
        raise ReceiverError(f"--api-key-file: {found.problem}", Exit.USAGE)
    return found


def _print_address(receiver: Receiver, generated: bool, as_json: bool) -> None:
    secrets = {}
    if generated:
        secrets = {"api_id": receiver.credentials.id, "api_key": receiver.credentials.key}
    if as_json:
        lines = [json.dumps({"url": receiver.url, **secrets})]
    else:
        lines = [f"receiver listens on {receiver.url}"]
        lines += [f"{name}: {value}" for name, value in secrets.items()]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text}: not HOST:PORT, for instance 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: not a whole number above 0")
    return int(text)
