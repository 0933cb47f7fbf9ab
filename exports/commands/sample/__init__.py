"""The sample clients: invented, but as varied and as awkward as real ones."""
