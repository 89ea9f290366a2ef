"""The page on which a drawing is read by a board: an HTTP server on this PC, and what it asks."""
