"""A process that does what its request says for its number; see test_oneshot_processes.py."""

import os
import sys
import time

from execution.one_shot.processes import serve
from records.errors import UserError


def work(request, number, count, meeting, send):
    send({"number": number, "count": count, "pid": os.getpid(), "trial": os.environ.get("NNI_PLATFORM")})
    print("printed by a library")
    os.write(2, b"written by a library\n")
    match request["do"][number]:
        case "end":
            return
        case "wait":
            time.sleep(600)
        case "refuse":
            raise UserError("the roof is missing")
        case "break":
            raise RuntimeError("the roof fell in")
        case unknown:
            sys.exit(unknown)


if __name__ == "__main__":
    serve(work)
