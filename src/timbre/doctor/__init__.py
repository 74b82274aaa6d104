"""Whether this machine and this clone are fit to work with, and how to mend what is not."""
