"""`python -m exports smoke`: proves that a deployment works, over HTTP alone."""
