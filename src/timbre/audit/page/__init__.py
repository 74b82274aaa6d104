"""The page of the audit: index.html."""
