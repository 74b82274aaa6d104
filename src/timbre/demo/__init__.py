"""The demo corpus: a bowed string that plays by itself, and sounds to transfer."""
