"""`python -m saliency_worker`: the command line of the saliency engine and the start of the Celery worker."""

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

# TensorFlow's own messages would bury the one line that says what is wrong.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from saliency_worker.declarations import BadDeclaration

FAILED = 2

try:  # the catalogue reads the declared methods when it is imported
    from saliency_worker.catalog import UnknownName
    from saliency_worker.cli import commands, parser
    from saliency_worker.cli.errors import CommandError
    from saliency_worker.cli.inputs import is_refusal
except BadDeclaration as error:
    sys.stderr.write(f"saliency_worker: {error}\n")
    raise SystemExit(FAILED) from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, or 2 after one line on standard error that says what is wrong."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["worker"]:
        return commands.worker(arguments[1:])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a file's name may be no text in the terminal's encoding
    options = parser.build(commands.RUN).parse_args(arguments)
    try:
        with _termination_as_interrupt():
            status: int = options.run(options)
            return status
    except KeyboardInterrupt:
        return _fail(commands.interrupted(options))
    except (CommandError, UnknownName) as error:
        return _fail(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        return FAILED
    except Exception as error:
        if os.environ.get("SALIENCY_TRACEBACK"):
            raise
        if is_refusal(error) or isinstance(error, OSError | MemoryError):
            return _fail(str(error) or "out of memory: give a smaller --batch")
        return _fail(f"unexpected {type(error).__name__}: {error} (SALIENCY_TRACEBACK=1 shows where)")


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """A batch system's SIGTERM ends a run as ^C does: what is written is complete and recorded."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _fail(message: str) -> int:
    print(f"saliency_worker: {' '.join(message.split())}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
