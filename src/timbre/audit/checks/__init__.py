"""What is checked: one entry for each check, by what it is about, and how they are applied."""
