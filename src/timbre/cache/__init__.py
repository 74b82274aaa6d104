"""The cache that training reads: audio and features of every file in slices, in one LMDB file, and its manifest."""
