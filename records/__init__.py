"""What several rooms write or read: settings, measurements, run folders, errors. Plain values and files, no torch."""

from records.waiting_threads import let_threads_sleep

let_threads_sleep()  # whatever is imported first here, this comes before torch
