"""The networks by name, and the recipes that train them."""
