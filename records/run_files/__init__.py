"""A run on the disk: its folder, who is at work in it, and its files: names, formats, checks of what is read."""
