"""Signal processing without state or weights: oscillators, filtered noise, convolution, spectra."""
