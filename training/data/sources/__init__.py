"""Where images come from: files, folders, archives, what comes with the program, the network."""
