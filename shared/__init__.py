"""Code that any feature of the function app can use. Nothing in here depends on `exports`."""
