"""model.nm, the file of the Neutone plug-in, made and checked by its SDK and proved by us."""
