"""Code common to all features of the function app. Knows nothing of exports."""
