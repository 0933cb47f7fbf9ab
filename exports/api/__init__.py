"""What the service says of itself: routes, problems, the OpenAPI document and its page."""
