"""The listening page of an evaluation: index.html, and in page/ beside it the sounds and pictures that it shows."""
