"""Which URLs a webhook may be sent to, and how much of a URL is shown."""

from __future__ import annotations

import pytest

from exports.notifications.receivers import origin_of, refusal_of


def test_the_path_and_query_of_a_url_are_not_shown() -> None:
    assert origin_of("https://hooks.example:8443/services/T0/B0/s3cret?key=s3cret") == "https://hooks.example:8443"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://hooks.example.com/", None),
        ("https://93.184.216.34/", None),
        ("http://hooks.example.com/", "Use https."),
        ("https://127.0.0.1/", "public Internet"),
        ("https://2130706433/", "public Internet"),
        ("https://[::ffff:10.0.0.1]/", "public Internet"),
        ("https://169.254.169.254/metadata", "public Internet"),
        ("https://168.63.129.16/", "public Internet"),
        ("https://localhost/", "public Internet"),
        ("https://azurite/", "public Internet"),
        ("https://metadata.google.internal/", "public Internet"),
    ],
)
def test_a_url_that_is_clearly_not_public_is_refused_at_once(url: str, why: str | None) -> None:
    refused = refusal_of(url, allow_private=False)
    assert refused is None if why is None else refused is not None and why in refused.sentence
    assert refusal_of(url, allow_private=True) is None
