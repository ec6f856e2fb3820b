"""Landing zones for demonstrations, filled the way the systems of a business would fill them."""
