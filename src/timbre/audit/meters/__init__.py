"""One thing to hear in a recording for each module: fed block by block, they say at the end what they found."""
