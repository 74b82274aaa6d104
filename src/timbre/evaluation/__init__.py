"""What the exported model does to sound: rendered as a host would, measured against anchors, shown on one page."""
