"""What every test needs, whoever starts them."""

import signal

# A script that starts the tests in the background has them, and all that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
