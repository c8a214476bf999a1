"""A trial that goes wrong in each way, by the candidate's index; the others report at once."""

import os
import signal
import sys
import time

import nni


def main() -> None:
    index = nni.get_next_parameter()["index"]
    if index == 1:
        raise RuntimeError("the roof fell in")
    if index == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if index == 3:
        sys.exit(0)
    for epoch in range(2):
        nni.report_intermediate_result({"default": 0.1 * epoch + 0.01 * index, "macs": 1000, "params": 10})
    time.sleep(float(os.environ.get("TRIAL_SECONDS", "0")))
    nni.report_final_result({"default": 0.5 + 0.01 * index, "macs": 1000, "params": 10, "seconds": 0.1})


if __name__ == "__main__":
    main()
