"""What all pages share: how templates become a page, colours and type, and the player."""
