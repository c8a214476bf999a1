"""The interactive part of a report: the record that it shows (`record`), how it gets into the page (`embedded`), and the
scripts that draw it, which stand beside them."""
