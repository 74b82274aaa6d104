"""The audit: measure every recording, warn where one stands out, change nothing."""
