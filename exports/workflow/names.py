"""The names of the durable functions: a published format.

Running jobs hold these names in their history. So a name never changes.
"""

from __future__ import annotations

EXPORT_JOB = "export_job"
EXPORT_WAVE = "export_wave"
PLAN_OR_EXPORT = "plan_or_export"
EXPORT_SNAPSHOT = "export_snapshot"
BEGIN_SNAPSHOT_AGAIN = "begin_snapshot_again"
PLAN_PAGES = "plan_pages"
WRITE_PAGE = "write_page"
RECORD_PROGRESS = "record_progress"
COMMIT_FILE = "commit_file"
RECORD_OUTCOME = "record_outcome"
DISCARD_FILE = "discard_file"
START_NOTIFICATION = "start_notification"
WEBHOOK_DELIVERY = "webhook_delivery"
SEND_WEBHOOK = "send_webhook"
