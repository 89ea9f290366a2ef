"""Networks drawn for a budget: their space, their short training, and the study that draws them."""
