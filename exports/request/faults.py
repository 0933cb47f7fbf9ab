"""Every kind of fault that a request can have, beyond those of its form as JSON (`shared/faults.py`)."""

from __future__ import annotations

from shared.faults import FORM_KINDS, FaultKind

_NO_START = "or leave out since to export all clients."
_PARTS = "*, or a combination of these with , - or /"

# --- columns
TWO_SOURCES_OF_COLUMNS = FaultKind("both-mappings", "Give mappingCode or columnMappings, not both.")
UNKNOWN_MAPPING = FaultKind("unknown-mapping", "There is no mapping with this code.")
FAULTY_MAPPING = FaultKind(
    "faulty-mapping",
    "A header of this mapping is blank, begins or ends with white space, holds a character that no workbook can "
    "hold, or occurs twice; change the mapping first.",
)
REFUSED_IN_HEADER = FaultKind(
    "refused-in-header", "A header cannot hold the character {character}, because no workbook can; remove it."
)
BLANK_HEADER = FaultKind("blank-header", "The header is blank; give the column a name.")
BLANKS_AROUND_HEADER = FaultKind(
    "blanks-around-header",
    "The header begins or ends with white space; remove it, because programs would not find the column.",
)
USED_TWICE = FaultKind("used-twice", "“{value}” is already used by column {column}; use it once.")
SENSITIVE_FIELD = FaultKind("sensitive-field", "This is the sensitive field {field}.")
SENSITIVE_FIELD_IN_MAPPING = FaultKind("sensitive-field-in-mapping", "The mapping holds the sensitive field {field}.")

# --- clients
NO_OFFSET = FaultKind("no-offset", "Give the time with its offset, e.g. 2026-01-31T09:00:00Z.")
TOO_FAR_AWAY = FaultKind("too-far-away", "Give a time in the years 2 to 9998.")
NO_MOMENT_BETWEEN = FaultKind(
    "no-moment-between", "Give a later moment than updatedSince: otherwise no client can match."
)
NO_SNAPSHOTS = FaultKind("no-snapshots", "{reason}")

# --- the export at which the changes begin
UNKNOWN_START = FaultKind(
    "unknown-start",
    f"There is no export with this code. Give the code of a completed export of this tenant, {_NO_START}",
)
TWO_STARTS = FaultKind(
    "two-starts", "Give either since or updatedSince, not both: since already sets the moment from which changes count."
)
START_RUNS = FaultKind(
    "start-runs",
    f"The export with this code is still running. Wait for its end, give the code of another export, {_NO_START}",
)
START_STOPPED = FaultKind(
    "start-stopped",
    f"The export with this code is {{status}}, so it has no file. Resume it, {_NO_START}",
)
START_FAILED = FaultKind(
    "start-failed",
    f"The export with this code is {{status}}, so it has no file. Give the code of a completed export, {_NO_START}",
)
START_WITH_OTHER_COLUMNS = FaultKind(
    "start-with-other-columns",
    f"The export with this code has other columns. Request the same columns in the same order, {_NO_START}",
)
START_WITH_OTHER_FILTER = FaultKind(
    "start-with-other-filter",
    f"The export with this code has another filter. Request the same filter, {_NO_START}",
)
START_WITH_OTHER_VIEW = FaultKind(
    "start-with-other-view",
    "The view clients has gained or lost {columns} since the export with this code was planned, so only the changed "
    "clients would show it. Leave out since to export all clients.",
)
BEFORE_START = FaultKind(
    "before-start", "Give a later moment: the export that since names holds all changes before this one."
)
START_OF_SCHEDULE = FaultKind(
    "start-of-schedule",
    "A schedule cannot start from one export. Leave out since and set incremental to true: each run then exports the "
    "changes since the last file that was downloaded.",
)

# --- the file
NEEDS_HEADERS = FaultKind(
    "needs-headers", "{kind} needs headers, which are its keys. Leave {option} out, or choose another preset."
)
OPTION_OF_CSV = FaultKind(
    "option-of-csv",
    "{option} is an option of CSV; {kind} has no such option. Leave it out, or choose another preset.",
)
OPTION_OF_PRESETS = FaultKind("option-of-presets", "{option} applies only to the preset {presets}; leave it out.")

# --- receivers of a notification
NO_RECEIVER = FaultKind("no-receiver", "Give webhookUrl or email, or both.")
NOT_A_URL = FaultKind(
    "not-a-url", "Give an absolute URL, e.g. https://example.com/exports, in ASCII, without a user name or a fragment."
)
HIDDEN_URL = FaultKind("hidden-url", "This is the shortened form of the URL that the API shows; give the whole URL.")
HIDDEN_URL_OF_TEST = FaultKind(
    "hidden-url-of-test",
    "This is the shortened form of a URL. Give the whole URL, or the scheduleCode of the schedule with it.",
)
NO_WEBHOOKS = FaultKind(
    "no-webhooks",
    "This service cannot send webhooks: the people who run it must set EXPORT_WEBHOOK_SECRET. Leave webhookUrl out "
    "until then.",
)
NOT_HTTPS = FaultKind("not-https", "Use https.")
NOT_PUBLIC = FaultKind("not-public", "Give a host on the public Internet, not a private or local one.")
NOT_AN_EMAIL_ADDRESS = FaultKind(
    "not-an-email-address",
    "Give an e-mail address such as name@example.com, in ASCII, without a name before it.",
)
REPEATED_ADDRESS = FaultKind("repeated-address", "Give each address once.")
NO_EMAIL = FaultKind(
    "no-email",
    "This service cannot send e-mail: the people who run it must set EXPORT_SMTP_HOST. Leave email out until then.",
)
DOMAIN_REFUSED = FaultKind("domain-refused", "The people who run this service do not allow e-mail to this domain.")

# --- schedules
CRON_FIELDS = FaultKind(
    "cron-fields", "Give five fields: minute, hour, day of the month, month, day of the week, such as 30 6 * * 1-5."
)
CRON_NEVER = FaultKind("cron-never", "Give a time that occurs: no day within 50 years matches this one.")
CRON_TOO_OFTEN = FaultKind("cron-too-often", "Give at most 12 minutes of an hour, such as */5 for every fifth minute.")
CRON_MINUTE = FaultKind("cron-minute", f"Correct the minute, “{{given}}”: it must be 0-59, {_PARTS}.")
CRON_HOUR = FaultKind("cron-hour", f"Correct the hour, “{{given}}”: it must be 0-23, {_PARTS}.")
CRON_DAY_OF_MONTH = FaultKind(
    "cron-day-of-month",
    f"Correct the day of the month, “{{given}}”: it must be 1-31 (a day that the month has), {_PARTS}.",
)
CRON_MONTH = FaultKind("cron-month", f"Correct the month, “{{given}}”: it must be 1-12, {_PARTS}.")
CRON_DAY_OF_WEEK = FaultKind("cron-day-of-week", f"Correct the day of the week, “{{given}}”: it must be 0-7, {_PARTS}.")
CRON_FIELD = {
    "minute": CRON_MINUTE,
    "hour": CRON_HOUR,
    "day-of-month": CRON_DAY_OF_MONTH,
    "month": CRON_MONTH,
    "day-of-week": CRON_DAY_OF_WEEK,
}
"""The kind of a wrong field of a cron expression, by the name of the field, in the order of the fields."""
TIME_ZONE = FaultKind("time-zone", "Give the IANA name of a time zone, such as Europe/London or UTC.")

FAULT_KINDS = (*FORM_KINDS, *(each for each in list(globals().values()) if isinstance(each, FaultKind)))
"""Every kind, in the order of the documentation, which is that of this file."""
