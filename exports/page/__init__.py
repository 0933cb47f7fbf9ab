"""The export page: what a person without curl uses. Rendered from the enumerations and models of the API."""
