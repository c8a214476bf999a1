"""Files of a run folder that several rooms read: their names, their formats, and the checks of what is read."""
