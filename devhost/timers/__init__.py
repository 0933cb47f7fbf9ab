"""Timer triggers: NCRONTAB schedules, stored due times, retries."""
