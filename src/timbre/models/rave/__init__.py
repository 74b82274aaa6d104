"""RAVE: a variational autoencoder of bands, sharpened by discriminators (Caillon & Esling 2021; arXiv 2111.05011)."""
