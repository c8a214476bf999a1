"""What several rooms write or read: settings, measurements, run folders, errors. Plain values and files, no torch."""
