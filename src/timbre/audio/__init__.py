"""Sound files and what is measured on sound: reading, writing, resampling, loudness."""
