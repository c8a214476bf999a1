"""The portal: where it is reached, and the hub and sweep whose rows are searches."""
