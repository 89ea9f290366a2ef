"""From a picture file to its digits: decode it, find the ink, tell the marks apart, order them."""
